import type { PendingReadCase, PendingReadResult } from './pending-read.ts';
import { machineLines, milliseconds, table, whole } from './report-format.ts';

/** The next deliveries may take this much longer to read, whatever is pending, or dead. */
const GOAL = 1.5;

/** The text of the reads; a line for each case by the smallest comes first. */
export function reportPendingReads({ ratios, cases, machine }: PendingReadResult): string {
  const row = (label: string, cell: (one: PendingReadCase) => string) => [label, ...cases.map(cell)];
  const rows = [
    row('', ({ name }) => name),
    row('pending', ({ pending }) => whole(pending)),
    row('lanes', ({ lanes }) => whole(lanes)),
    row('dead rows before them', ({ dead }) => whole(dead)),
    row('the next 256, p50, ms', ({ next }) => milliseconds(next.p50)),
    row('the next 256, p99, ms', ({ next }) => milliseconds(next.p99)),
    row('pages that are looked at for them', ({ pages }) => whole(pages)),
    row('the first 256, p50, ms', ({ fromTheStart }) => milliseconds(fromTheStart.p50)),
    row('a sweep of all lanes, p50, ms', ({ sweep }) => milliseconds(sweep.p50)),
  ];
  const headlines = ratios.map(
    ({ name, ratio }) =>
      `${name} / few ${ratio.toFixed(2)}: the next 256 deliveries, medians (goal ≤ ${GOAL}: ${ratio <= GOAL ? 'met' : 'NOT MET'})`,
  );
  return [...headlines, '', ...table(rows), '', ...machineLines(machine)].join('\n');
}
