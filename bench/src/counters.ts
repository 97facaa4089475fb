import { BenchError } from './bench-error.ts';

/** What a system counts about itself since its start. */
export interface Counters {
  /** Transactions written; null for a system that writes none. */
  commits: number | null;
  accepted: number;
  /** Deliveries with a final outcome, whatever it is. */
  settled: number;
  /** Deliveries that are owed now. */
  pending: number;
}

/**
 * Reads the Prometheus text exposition format, version 0.0.4. A family with labels counts as the sum over its labels.
 * Throws a `BenchError` when a counter that the benchmark needs is missing.
 */
export function parseCounters(text: string): Counters {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)/.exec(line);
    const [, name, value] = sample ?? [];
    if (name === undefined || value === undefined) continue;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  const need = (name: string) => {
    const value = sums.get(name);
    if (value === undefined) throw new BenchError(`GET /metrics shows no ${name}, which the benchmark needs.`);
    return value;
  };
  return {
    commits: sums.get('broxi_commits_total') ?? null,
    accepted: need('broxi_events_accepted_total'),
    // A counter with labels has no line before its first increment.
    settled: sums.get('broxi_deliveries_settled_total') ?? 0,
    pending: need('broxi_queue_pending'),
  };
}
