import type { PostgresCost, PostgresCostResult } from './postgres-cost.ts';
import { machineLines, rate, table, total, whole } from './report-format.ts';

/** The text of what an event costs PostgreSQL; the first line has what one costs that goes to one webhook. */
export function reportPostgresCost(result: PostgresCostResult): string {
  const { version, costs, idleStatementsPerSecond, connections, machine } = result;
  const row = (label: string, cell: (cost: PostgresCost) => string) => [label, ...costs.map(cell)];
  const rows = [
    row('deliveries of an event', ({ fanOut }) => whole(fanOut)),
    row('load', ({ kind, perSecond }) => (kind === 'load' ? 'full' : `${whole(perSecond)}/s`)),
    row('events', ({ events }) => whole(events)),
    row('statements per event', ({ statementsPerEvent }) => statementsPerEvent.toFixed(3)),
    row('commits per event', ({ commitsPerEvent }) => commitsPerEvent.toFixed(3)),
    row('syncs of the log per event', ({ syncsPerEvent }) => syncsPerEvent.toFixed(3)),
    row('bytes of the log per event', ({ walBytesPerEvent }) => whole(walBytesPerEvent)),
    row('full pages in it per event', ({ fullPagesPerEvent }) => fullPagesPerEvent.toFixed(3)),
    ['bytes of history per event, rows + indexes:', ...costs.map(() => '')],
    ...namesIn(costs)
      .filter(isHistory)
      .map((name) =>
        row(`  ${name.replace('broxi.', '')}`, ({ growth }) => {
          const { rowBytesPerEvent = 0, indexBytesPerEvent = 0 } = growth.find((one) => one.name === name) ?? {};
          return `${whole(rowBytesPerEvent)} + ${whole(indexBytesPerEvent)}`;
        }),
      ),
    row('  all', ({ growth }) => whole(total(growth, (one) => (isHistory(one.name) ? bytesOf(one) : 0)))),
    row('the empty queue and its indexes, kB', ({ growth, events }) =>
      whole(total(growth, (one) => (isHistory(one.name) ? 0 : bytesOf(one) * events)) / 1000),
    ),
  ];
  const [first] = costs;
  const headline = `${whole(first?.walBytesPerEvent ?? 0)} bytes of WAL and ${(first?.statementsPerEvent ?? 0).toFixed(3)} statements an event, recorded and delivered once, at ${rate(first?.perSecond ?? 0)}; PostgreSQL ${version}`;
  const rest = `at rest ${idleStatementsPerSecond.toFixed(1)} statements/s; ${connections} connections after the load`;
  const statements = costs.map(({ fanOut, kind, statements: most }) =>
    [
      `\nstatements by their log, ${fanOut === 1 ? '1 delivery' : `${fanOut} deliveries`} an event, ${kind === 'load' ? 'full load' : 'steady'}:`,
      ...table([
        ['', 'calls per 1,000 events', 'rows per call', 'bytes of the log per event'],
        ...most.map(({ text, callsPerThousand, rowsPerCall, walBytesPerEvent }) => [
          text,
          callsPerThousand.toFixed(1),
          rowsPerCall.toFixed(1),
          whole(walBytesPerEvent),
        ]),
      ]),
    ].join('\n'),
  );
  return [headline, rest, '', ...table(rows), ...statements, '', ...machineLines(machine)].join('\n');
}

/** Room of the queue is used again; all else stays until retention. */
function isHistory(name: string): boolean {
  return name !== 'broxi.queue';
}

function bytesOf({ rowBytesPerEvent, indexBytesPerEvent }: PostgresCost['growth'][number]): number {
  return rowBytesPerEvent + indexBytesPerEvent;
}

function namesIn(costs: readonly PostgresCost[]): string[] {
  return [...new Set(costs.flatMap(({ growth }) => growth.map(({ name }) => name)))];
}
