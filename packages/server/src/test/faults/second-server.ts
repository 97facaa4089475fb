import { startServer } from '../start-server.ts';
import { waitUntil } from '../wait-until.ts';
import { checkSet } from './check-set.ts';
import type { Finding } from './finding.ts';
import { Load } from './load.ts';
import { startRecordingReceiver } from './receiver.ts';
import { addWebhook, isDrained } from './webhooks.ts';
import { withFolder } from './with-folder.ts';

const STEP_MS = 30_000;
const UNDER_LOAD = 50;

/** A second server on a data folder that is in use. */
export function secondServer(options: { ratePerSecond: number }): Promise<Finding> {
  return withFolder(async (folder) => {
    let era = 0;
    const receiver = await startRecordingReceiver({ era: () => era });
    const load = new Load({ ratePerSecond: options.ratePerSecond, era: () => era });
    const server = await startServer(folder);
    try {
      const webhookId = await addWebhook(server, { receiver, path: '/steady' });
      load.resume([server.url]);
      await waitUntil('a load', () => load.acknowledged.length >= UNDER_LOAD, STEP_MS);
      const refusal = await refusalOfStart(folder);
      era = 1;
      const goesOn = () => load.acknowledged.some(({ acknowledgedIn }) => acknowledgedIn === 1);
      await waitUntil('a 202 of the first server afterwards', goesOn, STEP_MS);
      await load.pause();
      await waitUntil('the end of what is owed', () => isDrained(server), STEP_MS);
      const report = checkSet({
        publications: load.ledger.values(),
        receptions: receiver.received.values(),
        webhookIds: [webhookId],
        unverified: receiver.unverified,
      });
      const breaches = [...report.breaches, ...load.refusals.map(({ status }) => `the first answered ${status}`)];
      if (report.inDoubt > 0) breaches.push(`the first left ${report.inDoubt} requests without an answer`);
      if (refusal.exitCode === 0) breaches.push('the second ended with 0');
      if (refusal.lines.length !== 1) breaches.push(`the second said ${refusal.lines.length} lines instead of one`);
      return {
        title: 'second server on one data folder',
        table: [
          ['', ''],
          ['exit code of the second', refusal.exitCode],
          ['what it said', refusal.lines.join(' ⏎ ').replaceAll(folder, '…')],
          ['acknowledged by the first', report.acknowledged],
          ['refused, unanswered or lost by the first', breaches.length],
        ],
        breaches,
      };
    } finally {
      await load.pause();
      await server.kill();
      await receiver.close();
    }
  });
}

/** @throws if it starts */
async function refusalOfStart(folder: string): Promise<{ exitCode: number; lines: string[] }> {
  const started = await startServer(folder).catch((error: unknown) => error);
  if (!(started instanceof Error)) {
    await (started as { kill(): Promise<void> }).kill();
    throw new Error('a second server started on a folder that is in use');
  }
  const [, code, output = ''] = /ended with (\d+):\n(.*)/s.exec(started.message) ?? [];
  return { exitCode: Number(code), lines: output.trim().split('\n') };
}
