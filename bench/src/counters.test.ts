import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCounters } from './counters.ts';

test('sums a counter over its labels and skips what it does not know', () => {
  const text = [
    '# HELP broxi_commits_total Transactions.',
    '# TYPE broxi_commits_total counter',
    'broxi_commits_total 12',
    'broxi_events_accepted_total 300',
    'broxi_deliveries_settled_total{state="delivered"} 250',
    'broxi_deliveries_settled_total{state="failed",note="a } b"} 7 1700000000000',
    'broxi_queue_pending 43',
    'something_else{a="b"} NaN',
  ].join('\n');
  assert.deepEqual(parseCounters(text), { commits: 12, accepted: 300, settled: 257, pending: 43 });
});

test('a system that commits nothing has no commits, and nothing settled is none', () => {
  assert.deepEqual(parseCounters('broxi_events_accepted_total 0\nbroxi_queue_pending 0\n'), {
    commits: null,
    accepted: 0,
    settled: 0,
    pending: 0,
  });
});

test('a counter that is needed and missing is named', () => {
  assert.throws(() => parseCounters('broxi_queue_pending 0\n'), /broxi_events_accepted_total/);
});
