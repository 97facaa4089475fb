import type { StoreCounters } from '../store/store.ts';

/** The Prometheus text format, version 0.0.4. Everything counts from the start of this process. */
export function renderMetrics(counters: StoreCounters): string {
  const { settledDelivered, settledFailed, settledCancelled } = counters;
  return [
    ...counter('broxi_commits_total', 'Transactions committed.', counters.commits),
    ...counter('broxi_events_accepted_total', 'Events recorded.', counters.eventsAccepted),
    ...counter(
      'broxi_deliveries_created_total',
      'Deliveries owed, replays and backfills included.',
      counters.deliveriesCreated,
    ),
    ...counter(
      'broxi_deliveries_put_back_total',
      'Failed or cancelled deliveries that were put back.',
      counters.deliveriesPutBack,
    ),
    '# HELP broxi_deliveries_settled_total Deliveries that came to an end.',
    '# TYPE broxi_deliveries_settled_total counter',
    `broxi_deliveries_settled_total{state="delivered"} ${settledDelivered}`,
    `broxi_deliveries_settled_total{state="failed"} ${settledFailed}`,
    `broxi_deliveries_settled_total{state="cancelled"} ${settledCancelled}`,
    ...counter(
      'broxi_deliveries_batched_total',
      'Deliveries that went into a batch, which is one of those created.',
      counters.deliveriesBatched,
    ),
    ...counter(
      'broxi_attempts_retried_total',
      'Attempts after which another one was planned.',
      counters.settledRetried,
    ),
    '# HELP broxi_queue_pending Deliveries that are owed and not settled.',
    '# TYPE broxi_queue_pending gauge',
    `broxi_queue_pending ${counters.pending}`,
    '',
  ].join('\n');
}

function counter(name: string, help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, `${name} ${value}`];
}
