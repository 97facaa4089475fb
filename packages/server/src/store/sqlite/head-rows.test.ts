import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openForWriting } from './database.ts';
import { HEAD_QUERIES } from './head-rows.ts';

const PLACES = { lane: 1, class: 0, run: 'a', dueAt: 0, seq: 0, dueBy: 9, last: 9, onExhausted: 'block' };

test('what goes in order is found in indexes, step by step: none of it is scanned or sorted', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'broxi-heads-'));
  const database = openForWriting(join(folder, 'b.db'));
  t.after(async () => {
    database.close();
    await rm(folder, { recursive: true, force: true });
  });
  for (const [name, query] of Object.entries(HEAD_QUERIES)) {
    const explained = database.prepare(`EXPLAIN QUERY PLAN ${query}`);
    explained.setAllowUnknownNamedParameters(true);
    const plan = (explained.all(PLACES) as unknown as { detail: string }[]).map(({ detail }) => detail);
    for (const step of plan) assert.doesNotMatch(step, /^SCAN|TEMP B-TREE/, `${name}: ${step}`);
    const inRuns = plan.filter((step) => /^SEARCH [bh] /.test(step));
    assert.ok(inRuns.length > 0, plan.join('\n'));
    for (const step of inRuns) {
      assert.match(step, /COVERING INDEX deliveries_in_order \(lane=\? AND run=\? AND state=\?( AND seq<\?)?\)/, step);
    }
    assert.ok(
      plan.some((step) => /^SEARCH q USING PRIMARY KEY \(lane=\? AND class=\?/.test(step)),
      plan.join('\n'),
    );
  }
});
