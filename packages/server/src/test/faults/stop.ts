import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';
import { checkSet, countOf } from './check-set.ts';
import type { Finding } from './finding.ts';
import { Load } from './load.ts';
import { startRecordingReceiver } from './receiver.ts';
import { addWebhook, isDrained } from './webhooks.ts';
import { withFolder } from './with-folder.ts';

export interface StopCase {
  /** One of two receivers does not answer until the restart. */
  hanging: boolean;
  /** Sent as soon as the first SIGTERM was noticed. Default none. */
  second?: 'SIGTERM' | 'SIGINT';
}

/** Every way to be asked to stop. */
export const STOP_CASES: readonly StopCase[] = [
  { hanging: false },
  { hanging: true },
  { hanging: true, second: 'SIGTERM' },
  { hanging: true, second: 'SIGINT' },
];

const LIMIT_MS = 10_000;
/** What a process may need to end when it does not wait for anything. */
const AT_ONCE_MS = 2_000;
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;
const UNDER_LOAD = 100;
const STEP_MS = 30_000;

/** SIGTERM under load, then a restart: what was given back comes again under its id. */
export async function stop(options: { ratePerSecond: number; cases?: readonly StopCase[] }): Promise<Finding> {
  const table: Finding['table'][number][] = [
    ['', 'exit code', 'after', 'acknowledged', 'lost', 'in the air when it ended', 'of these sent again, same id'],
  ];
  const breaches: string[] = [];
  for (const stopCase of options.cases ?? STOP_CASES) {
    const result = await stopOnce(stopCase, options.ratePerSecond);
    table.push(result.row);
    breaches.push(...result.breaches);
  }
  return { title: 'stop', table, breaches };
}

function stopOnce(stopCase: StopCase, ratePerSecond: number) {
  return withFolder(async (folder) => {
    const { hanging, second } = stopCase;
    let era = 0;
    const hung = new Set<string>();
    const hangUntilRestart = async (request: IncomingMessage, response: ServerResponse) => {
      if (hanging && era === 0 && request.url === '/hanging') {
        hung.add(String(request.headers['x-broxi-delivery-id']));
        await once(response, 'close');
        return false;
      }
      response.writeHead(204).end();
      return true;
    };
    const receiver = await startRecordingReceiver({ era: () => era, answer: hangUntilRestart });
    const load = new Load({ ratePerSecond, era: () => era });
    let server = await startServer(folder);
    try {
      const webhookIds = [
        await addWebhook(server, { receiver, path: '/steady' }),
        await addWebhook(server, { receiver, path: '/hanging', timeout: 60 }),
      ];
      load.resume([server.url]);
      const busy = () => load.acknowledged.length >= UNDER_LOAD && (!hanging || hung.size > 0);
      await waitUntil('a load', busy, STEP_MS);
      const askedAt = performance.now();
      server.signal('SIGTERM');
      if (second !== undefined) {
        await waitUntil('word that it stops', () => server.output().includes('Stopping'), STEP_MS);
        server.signal(second);
      }
      const exitCode = await server.ended;
      const tookMs = Math.round(performance.now() - askedAt);
      await load.pause();
      const inTheAir = [...hung];
      era = 1;
      server = await startServer(folder);
      await waitUntil('the end of what is owed', () => isDrained(server), STEP_MS);

      const sentAgain = inTheAir.filter((deliveryId) => receiver.received.get(deliveryId)?.firstIn === 1);
      const report = checkSet({
        publications: load.ledger.values(),
        receptions: receiver.received.values(),
        webhookIds,
        unverified: receiver.unverified,
      });
      const name = `SIGTERM${second === undefined ? '' : `, ${second}`}${hanging ? ', a receiver hangs' : ''}`;
      const expected = second === undefined ? 0 : EXIT_CODES[second];
      const limitMs = second === undefined ? LIMIT_MS : AT_ONCE_MS;
      const breaches = report.breaches.map((breach) => `${name}: ${breach}`);
      if (exitCode !== expected) breaches.push(`${name}: exit code ${exitCode} instead of ${expected}`);
      if (tookMs > limitMs) breaches.push(`${name}: it took ${tookMs} ms, more than ${limitMs} ms`);
      if (sentAgain.length < inTheAir.length) breaches.push(`${name}: what was in the air did not come under its id`);
      const lost = countOf(report, 'lost');
      const row = [
        name,
        String(exitCode),
        `${tookMs} ms`,
        report.acknowledged,
        lost,
        inTheAir.length,
        sentAgain.length,
      ];
      return { row, breaches };
    } finally {
      await load.pause();
      await server.kill();
      await receiver.close();
    }
  });
}
