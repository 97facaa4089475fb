import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkSet, type History } from './check-set.ts';
import type { Reception } from './receiver.ts';

type Sent = History['publications'] extends Iterable<infer Item> ? Item : never;

const sent = (key: string, changes: Partial<Sent> = {}): Sent => ({
  key,
  eventIds: new Set([`evt-${key}`]),
  acknowledgedIn: 0,
  refusedWith: null,
  ...changes,
});
const inDoubt = { eventIds: new Set<string>(), acknowledgedIn: null };
const came = (key: string, changes: Partial<Reception> = {}): Reception => ({
  deliveryId: `del-${key}`,
  webhookId: 'wh',
  eventId: `evt-${key}`,
  key,
  times: 1,
  firstIn: 0,
  firstAt: 0,
  altered: false,
  ...changes,
});
const check = (publications: Sent[], receptions: Reception[], more: Partial<History> = {}) =>
  checkSet({ publications, receptions, webhookIds: ['wh'], unverified: [], ...more });

describe('checkSet', () => {
  it('finds nothing where all that was acknowledged came', () => {
    assert.deepEqual(check([sent('a'), sent('b')], [came('a'), came('b', { times: 3, firstIn: 2 })]), {
      sent: 2,
      acknowledged: 2,
      inDoubt: 0,
      inDoubtReceived: 0,
      deliveries: 2,
      duplicates: 2,
      recovered: 1,
      breaches: [],
    });
  });

  it('lets events in doubt come or not', () => {
    const report = check([sent('a', inDoubt), sent('b', inDoubt)], [came('b')]);
    assert.deepEqual(report.breaches, []);
    assert.deepEqual([report.inDoubt, report.inDoubtReceived], [2, 1]);
  });

  const breaches: [about: string, publications: Sent[], receptions: Reception[], more: Partial<History>, RegExp][] = [
    ['what never came', [sent('a')], [], {}, /^lost: a .* to wh$/],
    ['what came to one of two webhooks', [sent('a')], [came('a')], { webhookIds: ['wh', 'other'] }, /^lost: a .*other/],
    ['what nobody sent', [], [came('a')], {}, /^unexpected: a .*never sent/],
    ['what was refused', [sent('a', { ...inDoubt, refusedWith: 503 })], [came('a')], {}, /^unexpected: a .*503/],
    [
      'another event than was answered',
      [sent('a')],
      [came('a', { eventId: 'evt-2' })],
      {},
      /^doubled: a .*evt-a, evt-2/,
    ],
    ['two answers', [sent('a', { eventIds: new Set(['evt-a', 'evt-2']) })], [came('a')], {}, /^doubled: a .*evt-2/],
    ['two deliveries', [sent('a')], [came('a'), came('a', { deliveryId: 'del-2' })], {}, /^doubled: a .*del-a, del-2/],
    ['other bytes', [sent('a')], [came('a', { altered: true })], {}, /^altered: del-a/],
    ['a wrong signature', [sent('a')], [came('a')], { unverified: ['mismatch'] }, /verified: mismatch/],
  ];
  for (const [about, publications, receptions, more, message] of breaches) {
    it(`finds ${about}`, () => {
      const found = check(publications, receptions, more).breaches;
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0] ?? '', message);
    });
  }
});
