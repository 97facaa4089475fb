import { join } from 'node:path';
import { startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';
import { checkSet, countOf } from './check-set.ts';
import type { Finding } from './finding.ts';
import { Load } from './load.ts';
import { startRecordingReceiver } from './receiver.ts';
import { withSmallDisk } from './small-disk.ts';
import { addWebhook, isDrained } from './webhooks.ts';
import { withFolder } from './with-folder.ts';

const MIB = 1024 * 1024;
const SIZE_BYTES = 24 * MIB;
const TAKEN_BYTES = 16 * MIB;
/** Large events fill the disk soon. */
const TEXT_LENGTH = 20_000;
/** Refusals to be seen before space is freed: so many that they are no accident. */
const REFUSALS = 30;
const STEP_MS = 60_000;

/** A disk runs full under load, and has room again later. */
export function diskFull(options: { ratePerSecond: number }): Promise<Finding> {
  return withFolder((folder) =>
    withSmallDisk({ folder: join(folder, 'disk'), sizeBytes: SIZE_BYTES, takenBytes: TAKEN_BYTES }, async (disk) => {
      let era = 0;
      const receiver = await startRecordingReceiver({ era: () => era });
      const load = new Load({ ratePerSecond: options.ratePerSecond, era: () => era, textLength: TEXT_LENGTH });
      let server = await startServer(disk.folder);
      try {
        const webhookId = await addWebhook(server, { receiver, path: '/steady' });
        load.resume([server.url]);
        await waitUntil('refusals', () => load.refusals.length >= REFUSALS, STEP_MS);
        const fullAt = { acknowledged: load.acknowledged.length, freeBytes: disk.freeBytes() };
        const alive = (await server.call('GET', '/healthz')).status;
        disk.makeRoom();
        era = 1;
        const roomAt = performance.now();
        const goesOn = () => load.acknowledged.some(({ acknowledgedIn }) => acknowledgedIn === 1);
        await waitUntil('a 202 after space was freed', goesOn, STEP_MS);
        const recoveredMs = Math.round(performance.now() - roomAt);
        await load.pause();
        await waitUntil('the end of what is owed', () => isDrained(server), STEP_MS);
        const refused = [...load.refusals];
        // What a refusal left behind would be found now.
        await server.kill();
        server = await startServer(disk.folder);
        await waitUntil('the end of what is owed after a restart', () => isDrained(server), STEP_MS);
        const report = checkSet({
          publications: load.ledger.values(),
          receptions: receiver.received.values(),
          webhookIds: [webhookId],
          unverified: receiver.unverified,
        });
        const wrong = refused.filter(({ status, body }) => status !== 503 || !body.includes('"store_unavailable"'));
        const breaches = [...report.breaches, ...wrong.map(({ status, body }) => `answered ${status}: ${body}`)];
        if (alive !== 200) breaches.push(`/healthz answered ${alive} while the disk was full`);
        return {
          title: 'full disk',
          table: [
            ['', ''],
            ['acknowledged before it was full', fullAt.acknowledged],
            ['bytes free then', fullAt.freeBytes],
            ['answers 503 `store_unavailable`', refused.length],
            ['other refusals', wrong.length],
            ['from free space to the next 202', `${recoveredMs} ms`],
            ['acknowledged in all', report.acknowledged],
            ['**acknowledged and lost**', countOf(report, 'lost')],
            ['refused and received', report.breaches.filter((breach) => breach.startsWith('unexpected: ')).length],
            ['requests beyond the first of a delivery', report.duplicates],
          ],
          breaches,
        };
      } finally {
        await load.pause();
        await server.kill();
        await receiver.close();
      }
    }),
  );
}
