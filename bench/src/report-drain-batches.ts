import type { BatchDrain, DrainBatchesResult } from './drain-batches.ts';
import { machineLines, megabytes, range, rate, table, total, whole } from './report-format.ts';
import { median } from './statistics.ts';

/** Batches of a hundred are to drain so many times as fast. */
const GOAL = 5;

/** The text of a drain in batches beside singly; its first line has the ratio. */
export function reportDrainBatches({ ratio, single, batched, settings, machine }: DrainBatchesResult): string {
  const sides = [single, batched];
  const row = (label: string, cell: (drains: readonly BatchDrain[]) => string) => [label, ...sides.map(cell)];
  const of = (drains: readonly BatchDrain[], field: (drain: BatchDrain) => number) => median(drains.map(field));
  const rates = (drains: readonly BatchDrain[]) => drains.map((drain) => drain.drainedPerSecond);
  const goal = `goal ≥ ${GOAL}: ${ratio >= GOAL ? 'met' : 'NOT MET'}`;
  const headline = `b/a ${ratio.toFixed(2)} (${goal}): in batches of ${settings.batchSize} (b) ${rate(median(rates(batched)))}, singly (a) ${rate(median(rates(single)))}; medians of ${settings.rounds} drains`;
  const rows = [
    ['', 'singly (a)', 'in batches (b)'],
    row('events that waited', () => whole(settings.batchEvents)),
    row('webhooks', () => whole(settings.batchWebhooks)),
    row('filled per second', (d) => whole(settings.batchEvents / of(d, (one) => one.fillSeconds))),
    row('drained per second, median', (d) => whole(median(rates(d)))),
    row('drained per second, lowest to highest', (d) => range(rates(d))),
    row('events of a request, mean', (d) =>
      (total(d, (one) => one.arrived) / total(d, (one) => one.requests)).toFixed(1),
    ),
    row('CPU seconds per million events', (d) => whole(of(d, (one) => one.cpuSecondsPerMillion))),
    row('peak memory, MB', (d) => megabytes(Math.max(...d.map((one) => one.peakMemoryBytes)))),
    row('settled, by the word of the server', (d) => range(d.map((one) => one.settled))),
    row('not arrived', (d) => whole(total(d, (one) => one.missing))),
    row('arrived twice', (d) => whole(total(d, (one) => one.arrivedTwice))),
  ];
  return [headline, '', ...table(rows), '', ...machineLines(machine)].join('\n');
}
