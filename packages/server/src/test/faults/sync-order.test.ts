import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTimeline, watchSyncOrder } from './sync-order.ts';

test('every 202 leaves after the sync of its event has returned', async () => {
  const { acknowledged, syncs, breaches } = await watchSyncOrder({ ratePerSecond: 500, events: 200 });
  assert.deepEqual(breaches, []);
  assert.ok(acknowledged >= 200 && syncs > 5, `${acknowledged} acknowledged, ${syncs} syncs`);
});

const timelines: [about: string, lines: string, breaches: RegExp[]][] = [
  ['a sync that covers it', 'W a,S 1,E 1,A a', []],
  ['a later sync that returned first', 'W a,S 1,S 2,E 2,A a', []],
  ['rewritten with its page after its sync', 'W a,S 1,E 1,W a,A a', []],
  ['a sync that has not returned', 'W a,S 1,A a,E 1', [/a was acknowledged before/]],
  ['a sync that began before the write', 'S 1,W a,E 1,A a', [/a was acknowledged before/]],
  ['a sync that failed', 'S 1,E 1,W a,S 2,A a', [/a was acknowledged before/]],
  ['nothing written', 'S 1,E 1,A a', [/a was acknowledged and never written/]],
];
for (const [about, lines, breaches] of timelines) {
  test(`the order of a timeline: ${about}`, () => {
    const found = readTimeline(lines.replaceAll(',', '\n')).breaches;
    assert.equal(found.length, breaches.length);
    for (const [i, breach] of breaches.entries()) assert.match(found[i] ?? '', breach);
  });
}
