import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SentClass } from '../domain/delivery.ts';
import { NO_HOLD } from '../domain/hold.ts';
import { UNKNOWN_DESTINATION } from '../domain/webhook.ts';
import type { QueuedDelivery } from '../store/store.ts';
import { Lane, MEMORY_PER_DELIVERY } from './lane.ts';
import { laneOf, TEST_TEMPLATE, testWebhook } from './test-delivery.ts';

const webhook = testWebhook({ max_concurrency: 3 });
let seq = 0;

function queued(deliveryClass: SentClass, dataText = '{}'): QueuedDelivery {
  seq += 1;
  return {
    lane: laneOf(webhook),
    seq,
    id: `del_${seq}`,
    class: deliveryClass,
    dueAt: 1000 + seq,
    createdAt: 0,
    origin: 'event',
    attempts: 0,
    seriesFrom: 0,
    route: null,
    run: null,
    atFallback: false,
    payload: 'full',
    event: { id: 'evt_1', type: 'workflow.started', occurredAt: 0, dataText },
  };
}

function configure(lane: Lane, changed = webhook, hold = NO_HOLD): void {
  lane.configure({ webhook: changed, hold, destinations: new Map() }, TEST_TEMPLATE, 0);
}

function takeAndLand(lane: Lane): QueuedDelivery | undefined {
  const delivery = lane.take(0);
  if (delivery !== undefined) lane.landed(delivery);
  return delivery;
}

function openLane(): { lane: Lane; memory: { bytes: number }; fill: typeof fill } {
  const memory = { bytes: 0 };
  const lane = new Lane(laneOf(webhook), memory);
  configure(lane);
  const fill = (deliveryClass: SentClass, count: number, dataText?: string) => {
    const read = Array.from({ length: count }, () => queued(deliveryClass, dataText));
    lane.beginRead(deliveryClass);
    lane.add(deliveryClass, read, { full: false });
    return read;
  };
  return { lane, memory, fill };
}

test('sends nothing before its webhook was read', () => {
  const lane = new Lane(laneOf(webhook), { bytes: 0 });
  assert.deepEqual([lane.sender, lane.webhook, lane.freeSlots, lane.stale], [null, null, 0, true]);
  assert.deepEqual(lane.classesToRead(), [0, 1, 2]);
  configure(lane);
  assert.equal(lane.sender?.webhook, webhook);
  assert.equal(lane.freeSlots, 3);
});

test('an attempt takes up a slot until it has landed, not until it is settled', () => {
  const { lane, fill } = openLane();
  fill(0, 2);
  const [one, two] = [lane.take(0), lane.take(0)];
  assert.ok(one && two);
  assert.equal(lane.freeSlots, 1);
  lane.landed(one);
  assert.equal(lane.freeSlots, 2);
  assert.equal(lane.isIdle, false);
  lane.forget(one.id);
  lane.landed(two);
  lane.forget(two.id);
  assert.equal(lane.isIdle, true);
  assert.equal(lane.take(0), undefined);
});

test('while all classes wait, three of four are new ones; the fourth is a retry and a recovered one by turns', () => {
  const { lane, fill } = openLane();
  for (const deliveryClass of [0, 1, 2] as const) fill(deliveryClass, 20);
  const order = Array.from({ length: 16 }, () => takeAndLand(lane)?.class).join('');
  assert.equal(order, '0001000200010002');
});

test('whatever waits is taken, each once, in order within its class, and none is starved', () => {
  const counts = fc.tuple(fc.nat(40), fc.nat(40), fc.nat(40));
  fc.assert(
    fc.property(counts, (sizes) => {
      const { lane, memory, fill } = openLane();
      const lines = ([0, 1, 2] as const).map((deliveryClass) => fill(deliveryClass, sizes[deliveryClass], '{"a":1}'));
      assert.equal(memory.bytes, (7 + MEMORY_PER_DELIVERY) * (sizes[0] + sizes[1] + sizes[2]));
      const taken: QueuedDelivery[] = [];
      for (let next = takeAndLand(lane); next !== undefined; next = takeAndLand(lane)) taken.push(next);
      for (const [deliveryClass, line] of lines.entries()) {
        assert.deepEqual(
          taken.filter((delivery) => delivery.class === deliveryClass),
          line,
        );
        // While a class waits, it gets one of any eight.
        const position = (delivery: QueuedDelivery | undefined) => (delivery ? taken.indexOf(delivery) : -1);
        line.forEach((delivery, i) => {
          assert.ok(position(delivery) - position(line[i - 1]) <= 8);
        });
      }
      assert.equal(memory.bytes, 0);
    }),
  );
});

test('retries and recovered ones take up a quarter of the slots, and no more, while first attempts wait', () => {
  const sizes: [slots: number, quarter: number][] = [
    [1, 1],
    [3, 1],
    [4, 1],
    [7, 1],
    [8, 2],
    [16, 4],
    [1000, 250],
  ];
  for (const [slots, quarter] of sizes) {
    const { lane, fill } = openLane();
    configure(lane, testWebhook({ max_concurrency: slots }));
    fill(1, 2_000);
    fill(2, 2_000);
    // Those of a class that hangs stay in the air; first attempts come and go.
    let hanging = 0;
    for (let i = 0; i < 4 * slots; i += 1) {
      fill(0, 1);
      const delivery = lane.take(0);
      assert.ok(delivery);
      if (delivery.class === 0) lane.landed(delivery);
      else hanging += 1;
    }
    assert.equal(hanging, quarter, `${slots} slots`);
    while (takeAndLand(lane)?.class === 0);
    assert.notEqual(lane.take(0)?.class, 0, 'once none waits, they take all');
  }
});

function openClosedOffLane(): Lane {
  const circuit = { state: 'open', since: 0, failedProbes: 0, nextProbeAt: 5_000 } as const;
  const lane = new Lane(laneOf(webhook), { bytes: 0 });
  const destinations = new Map([[webhook.config.url, { ...UNKNOWN_DESTINATION, circuit }]]);
  lane.configure({ webhook, hold: NO_HOLD, destinations }, TEST_TEMPLATE, 0);
  return lane;
}

test('one that a cancel did not take out is the probe all the same, where it has been due for longest', () => {
  const lane = openClosedOffLane();
  const [first, second] = [queued(1), queued(1)];
  lane.add(1, [first, second], { full: false });
  lane.reserve(first.id);
  lane.forget(first.id);
  lane.rewind();
  lane.add(1, [first, second], { full: false });
  assert.equal(lane.takeProbe(5_000), first);
});

test('to probe with, the one that has been due for longest is taken, of whatever class', () => {
  const lane = openClosedOffLane();
  const lines = ([2, 1, 0] as const).map((deliveryClass) => [deliveryClass, queued(deliveryClass)] as const);
  for (const [deliveryClass, delivery] of lines) lane.add(deliveryClass, [delivery], { full: false });
  assert.equal(lane.takeProbe(4_999), undefined);
  for (const [, delivery] of lines) {
    assert.equal(lane.takeProbe(5_000), delivery);
    assert.equal(lane.takeProbe(5_000), undefined, 'one at a time');
    lane.landed(delivery);
  }
  assert.equal(lane.takeProbe(5_000), undefined);
});

test('a webhook that is inactive, paused or disabled is stopped', () => {
  const { lane } = openLane();
  assert.equal(lane.isStopped, false);
  for (const hold of [{ pausedAt: 5 }, { disabledAt: 5, disabledReason: 'gone' as const }]) {
    configure(lane, webhook, { ...NO_HOLD, ...hold });
    assert.equal(lane.isStopped, true);
    configure(lane, webhook, { ...NO_HOLD, resumedAt: 6 });
    assert.equal(lane.isStopped, false);
  }
  configure(lane, testWebhook({ active: false }));
  assert.equal(lane.isStopped, true);
});

test('that an attempt disabled the webhook holds before it is on disk; then what is there counts', () => {
  const { lane } = openLane();
  assert.equal(lane.disable('gone', 100), true);
  assert.equal(lane.disable('no_success', 200), false);
  configure(lane, webhook, { ...NO_HOLD, pausedAt: 50 });
  assert.deepEqual(lane.hold, { ...NO_HOLD, pausedAt: 50, disabledAt: 100, disabledReason: 'gone' });
  lane.disablingEnded();
  assert.equal(lane.stale, true);
  configure(lane);
  assert.equal(lane.isStopped, false);
});

test('what is read again while it is known is not taken twice', () => {
  const { lane, memory, fill } = openLane();
  const [first, second, third] = fill(0, 3);
  assert.ok(first && second && third);
  lane.take(0);
  lane.take(0);
  lane.landed(first);
  lane.rewind();
  lane.beginRead(0);
  lane.add(0, [first, second, third], { full: false });
  assert.equal(memory.bytes, 2 + MEMORY_PER_DELIVERY);
  assert.equal(lane.take(0), third);
  assert.equal(lane.take(0), undefined);
  // Settled, and back in the queue as another class.
  lane.forget(first.id);
  lane.add(1, [{ ...first, class: 1 }], { full: false });
  assert.equal(lane.take(0)?.id, first.id);
});

test('a class is read when something may be there and nothing of it waits in memory', () => {
  const { lane, fill } = openLane();
  fill(0, 1);
  assert.deepEqual(lane.classesToRead(), [1, 2]);
  fill(1, 0);
  fill(2, 0);
  lane.markUnread(0);
  assert.deepEqual(lane.classesToRead(), []);
  lane.take(0);
  assert.deepEqual(lane.classesToRead(), [0]);
  lane.beginRead(0);
  assert.deepEqual(lane.classesToRead(), []);
  lane.markUnread(0);
  lane.add(0, [], { full: false });
  assert.deepEqual(lane.classesToRead(), [0], 'news that came during the read');
  lane.beginRead(0);
  lane.add(0, [queued(0)], { full: true });
  lane.take(0);
  assert.deepEqual(lane.classesToRead(), [0], 'the read was full');
});

test('new deliveries are taken over without a read by a lane that is up to date, and by no other', () => {
  const { lane, memory, fill } = openLane();
  const handOver = (count: number) => {
    const deliveries = Array.from({ length: count }, () => queued(0));
    return { deliveries, accepted: lane.accept(deliveries) };
  };
  assert.equal(handOver(1).accepted, false, 'something before them may be unread');
  fill(0, 0);
  lane.reading = true;
  assert.equal(handOver(1).accepted, false, 'a read that is under way may bring them');
  lane.reading = false;
  const { deliveries, accepted } = handOver(512);
  assert.equal(accepted, true);
  assert.equal(memory.bytes, 512 * (2 + MEMORY_PER_DELIVERY));
  assert.equal(lane.cursor(0)?.seq, deliveries.at(-1)?.seq);
  assert.equal(handOver(1).accepted, false, 'enough waits');
  assert.equal(lane.take(0), deliveries[0]);
  assert.equal(handOver(1).accepted, true);
  lane.rewind();
  assert.equal(handOver(1).accepted, false);
  assert.equal(memory.bytes, 512 * (2 + MEMORY_PER_DELIVERY));
});

test('reads go on where the last one of the class ended; a rewind counts also for one that is under way', () => {
  const { lane, fill } = openLane();
  assert.equal(lane.cursor(0), null);
  const [, last] = fill(0, 2);
  fill(2, 1);
  assert.deepEqual(lane.cursor(0), { dueAt: last?.dueAt, seq: last?.seq });
  assert.equal(lane.cursor(1), null);
  fill(0, 0);
  assert.deepEqual(lane.cursor(0), { dueAt: last?.dueAt, seq: last?.seq });
  lane.rewind([2]);
  assert.equal(lane.cursor(2), null);
  assert.notEqual(lane.cursor(0), null);
  lane.beginRead(2);
  lane.rewind();
  lane.add(2, [queued(2)], { full: false });
  assert.deepEqual(
    [0, 1, 2].map((c) => lane.cursor(c as SentClass)),
    [null, null, null],
  );
  lane.beginRead(2);
  lane.add(2, [queued(2)], { full: false });
  assert.notEqual(lane.cursor(2), null);
});

test('what waits can be dropped, and is read again from the start', () => {
  const { lane, memory, fill } = openLane();
  const [flying, waiting] = fill(0, 2);
  fill(1, 1);
  fill(2, 0);
  lane.take(0);
  lane.dropWaiting();
  assert.equal(memory.bytes, 0);
  assert.equal(lane.take(0), undefined);
  assert.deepEqual(lane.classesToRead(), [0, 1, 2]);
  assert.equal(lane.cursor(0), null);
  assert.ok(flying && waiting);
  lane.beginRead(0);
  lane.add(0, [flying, waiting], { full: false });
  assert.equal(lane.take(0), waiting);
  assert.equal(lane.take(0), undefined);
});

test('what is reserved for a cancellation is taken out, and comes back only after it was forgotten', () => {
  const { lane, memory, fill } = openLane();
  const [one, two] = fill(0, 2);
  const unread = queued(0);
  assert.ok(one && two);
  lane.reserve(one.id);
  lane.reserve(unread.id);
  assert.equal(memory.bytes, 2 + MEMORY_PER_DELIVERY);
  assert.equal(lane.isIdle, false);
  lane.add(0, [one, two, unread], { full: false });
  assert.equal(lane.take(0), two);
  assert.equal(lane.take(0), undefined);
  lane.forget(one.id);
  lane.add(0, [one, unread], { full: false });
  assert.equal(lane.take(0), one);
  assert.equal(lane.take(0), undefined);
});

test('a new version replaces what is sent', () => {
  const { lane } = openLane();
  const before = lane.sender;
  configure(lane, { ...webhook, updatedAt: 5 });
  assert.equal(lane.sender?.template, before?.template);
  const changed = { ...testWebhook({ url: 'https://b.example/', retry_policy: { max_retries: 9 } }), version: 2 };
  configure(lane, changed);
  assert.equal(lane.sender?.template.url.host, 'b.example');
  assert.equal(lane.sender?.policy.attemptsAllowed, 10);
});

test('what attempts learn adds up, for the same URL and secret', () => {
  const { lane } = openLane();
  const sent = { webhook, url: webhook.config.url };
  const known = () => lane.sender?.destination;
  assert.deepEqual(lane.learn(sent, { notBefore: 900 }), { ...UNKNOWN_DESTINATION, notBefore: 900 });
  lane.learn(sent, { scheme: 'body', schemeLearnedAt: 5 });
  lane.learn(sent, { notBefore: 300 });
  const learned = { ...UNKNOWN_DESTINATION, scheme: 'body', schemeLearnedAt: 5, notBefore: 900 } as const;
  assert.deepEqual(known(), learned);
  const renamed = { ...webhook, version: 2, config: { ...webhook.config, name: 'renamed' } };
  configure(lane, renamed);
  assert.deepEqual(lane.learn(sent, { notBefore: 950 }), { ...learned, notBefore: 950 });
  for (const other of [
    { ...renamed, version: 3, config: { ...webhook.config, url: 'https://b.example/' } },
    { ...renamed, version: 4, secret: 'another-secret-0123456789' },
  ]) {
    configure(lane, other);
    assert.deepEqual(known(), UNKNOWN_DESTINATION);
    assert.equal(lane.learn(sent, { notBefore: 99_999 }), null);
    assert.deepEqual(known(), UNKNOWN_DESTINATION);
  }
});

test('a webhook is given up only when none of its destinations takes anything', () => {
  const days = (count: number) => count * 86_400_000;
  const failing = { since: 0, attempts: 30, days: 6, latestAt: days(5) };
  const routes = [{ when: { event: 'a' }, url: 'https://b.example/' }];
  const routed = testWebhook({ url: 'https://a.example/', routes });
  for (const [own, isHopeless] of [
    [null, false],
    [{ ...failing, attempts: 3 }, false],
    [failing, true],
  ] as const) {
    const lane = new Lane(laneOf(routed), { bytes: 0 });
    const destinations = new Map([
      ['https://a.example/', { ...UNKNOWN_DESTINATION, failing: own }],
      ['https://b.example/', { ...UNKNOWN_DESTINATION, failing }],
    ]);
    lane.configure({ webhook: routed, hold: NO_HOLD, destinations }, TEST_TEMPLATE, days(6));
    const landed = { evidence: 'counted_failure', startedAt: days(6), isProbe: false, now: days(6) } as const;
    assert.equal(lane.observe({ webhook: routed, url: 'https://b.example/' }, landed)?.isHopeless, isHopeless);
  }
});

test('is not forgotten while its receiver has asked for a wait, which may be in no row', () => {
  const { lane, fill } = openLane();
  assert.equal(lane.isForgettable(800), true);
  lane.learn({ webhook, url: webhook.config.url }, { notBefore: 900 });
  assert.equal(lane.isForgettable(899), false);
  assert.equal(lane.isForgettable(900), true);
  fill(0, 1);
  assert.equal(lane.isForgettable(900), false);
});
