import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { openPostgresReader } from '../../store/postgres/open-postgres-store.ts';
import { openSqliteReader } from '../../store/sqlite/open-sqlite-store.ts';
import type { ReadStore } from '../../store/store.ts';
import { createVault } from '../../store/vault.ts';
import { TEST_API_KEY } from '../start-server.ts';

const PAGE = 500;

/** Everything that can be read of the workspace of the test's key, in a file and in a database that is to be a copy of it. */
export async function differences(options: { path: string; url: string; key: string }): Promise<string[]> {
  const vault = createVault(Buffer.from(options.key, 'base64'));
  const file = openSqliteReader({ path: options.path, vault });
  const database = openPostgresReader({ url: options.url, vault });
  try {
    const [before, after] = [await readAll(file), await readAll(database)];
    const found = [...before]
      .filter(([name, value]) => !isDeepStrictEqual(after.get(name), value))
      .map(([name]) => name);
    const added = [...after.keys()].filter((name) => !before.has(name));
    if (before.size < 10) found.push('there is next to nothing to compare');
    return [...found, ...added.map((name) => `${name}, which the file has not`)];
  } finally {
    await file.close();
    await database.close();
  }
}

async function readAll(reads: ReadStore): Promise<Map<string, unknown>> {
  const all = new Map<string, unknown>();
  const key = await reads.findApiKey(createHash('sha256').update(TEST_API_KEY).digest('hex'));
  if (key === null) throw new Error('the key of the test is not there');
  const { workspaceId } = key;
  const snapshot = await reads.loadWorkspace(workspaceId);
  all.set('API key', key).set('workspace', snapshot);
  all.set('destinations', await reads.listDestinations(workspaceId));
  all.set('holds', await reads.listHolds(workspaceId));
  all.set('jobs', await reads.listJobs({ workspaceId, limit: PAGE }));
  for (const { id } of snapshot.webhooks) {
    const lane = { workspaceId, webhookId: id };
    all.set(`versions of ${id}`, await reads.listWebhookVersions(lane));
    all.set(`read token of ${id}`, await reads.revealReadToken(lane));
  }
  for (const type of [undefined, 'webhook.batch']) {
    const list = (before: string) =>
      reads.listEvents({ workspaceId, limit: PAGE, before, ...(type === undefined ? {} : { type }) });
    for await (const event of eachOf(list)) all.set(event.id, event);
  }
  for await (const delivery of eachOf((before) => reads.listDeliveries({ workspaceId, limit: PAGE, before }))) {
    all.set(delivery.id, [delivery, await reads.listAttempts(workspaceId, delivery.id)]);
  }
  return all;
}

async function* eachOf<Row extends { id: string }>(list: (before: string) => Promise<Row[]>): AsyncGenerator<Row> {
  for (let before = '~'; ; ) {
    const page = await list(before);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    before = last.id;
  }
}
