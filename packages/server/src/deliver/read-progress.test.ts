import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELIVERY_CLASSES } from '../domain/delivery.ts';
import { isDueBefore, ReadProgress } from './read-progress.ts';

const AT = { dueAt: 1_000, seq: 5 };

test('everything is unread at first; a read takes that away, and news brings it back', () => {
  const progress = new ReadProgress();
  assert.deepEqual(
    DELIVERY_CLASSES.map((each) => progress.isUnread(each)),
    [true, true, true, true],
  );
  progress.begin(0);
  assert.deepEqual(
    DELIVERY_CLASSES.map((each) => progress.isUnread(each)),
    [false, true, true, true],
  );
  progress.markUnread(0);
  assert.equal(progress.isUnread(0), true);
});

test('a read goes on where the last one ended, unless the class was rewound while it ran', () => {
  const progress = new ReadProgress();
  progress.begin(0);
  progress.cameTo(0, AT);
  progress.cameTo(0, undefined);
  assert.deepEqual(progress.cursor(0), AT);
  assert.equal(progress.cursor(1), null);
  progress.begin(0);
  progress.rewind([0]);
  progress.cameTo(0, { dueAt: 2_000, seq: 9 });
  assert.equal(progress.cursor(0), null);
  assert.equal(progress.isUnread(0), true);
});

test('news of what may stand before what was read last is read from there, and of what stands behind it from where it was', () => {
  const [before, behind] = [
    { dueAt: 1_000, seq: 3 },
    { dueAt: 1_000, seq: 7 },
  ];
  const progress = new ReadProgress();
  progress.begin(0);
  progress.cameTo(0, AT);
  progress.readFrom(0, behind);
  assert.deepEqual(progress.cursor(0), AT);
  assert.equal(progress.isUnread(0), true);
  progress.readFrom(0, before);
  assert.equal(isDueBefore(progress.cursor(0) ?? AT, before), true);
  progress.begin(0);
  progress.cameTo(0, AT);
  assert.deepEqual(progress.cursor(0), AT, 'read since');
});

test('news that comes while a read runs is not passed by: the read may have begun before it was there', () => {
  const [first, second] = [
    { dueAt: 1_000, seq: 2 },
    { dueAt: 999, seq: 9 },
  ];
  const progress = new ReadProgress();
  progress.begin(0);
  progress.readFrom(0, first);
  progress.readFrom(0, second);
  progress.readFrom(0, first);
  progress.cameTo(0, AT);
  assert.equal(isDueBefore(progress.cursor(0) ?? AT, second), true);
  assert.equal(progress.isUnread(0), true);
  progress.begin(0);
  progress.cameTo(0, AT);
  progress.begin(0);
  progress.readFrom(0, second);
  progress.cameTo(0, { dueAt: 2_000, seq: 1 });
  assert.equal(isDueBefore(progress.cursor(0) ?? AT, second), true);
});

test('what is put off to a place that was read past brings the retries to be read again, and no other class', () => {
  for (const [place, isPassed] of [
    [{ dueAt: 999, seq: 9 }, true],
    [AT, true],
    [{ dueAt: 1_000, seq: 6 }, false],
    [{ dueAt: 1_001, seq: 1 }, false],
  ] as const) {
    const progress = new ReadProgress();
    for (const each of DELIVERY_CLASSES) {
      progress.begin(each);
      progress.cameTo(each, AT);
    }
    progress.putOff(place);
    assert.deepEqual(
      DELIVERY_CLASSES.map((each) => progress.isUnread(each)),
      [false, isPassed, false, false],
    );
    assert.deepEqual(progress.cursor(1), isPassed ? null : AT);
  }
});

test('deliveries are due in the order of their instants, and of their ingest', () => {
  assert.equal(isDueBefore({ dueAt: 1, seq: 9 }, { dueAt: 2, seq: 1 }), true);
  assert.equal(isDueBefore({ dueAt: 1, seq: 1 }, { dueAt: 1, seq: 2 }), true);
  assert.equal(isDueBefore({ dueAt: 1, seq: 2 }, { dueAt: 1, seq: 2 }), false);
});

test('what is put off while a read runs is not passed by, whether the read saw it or not', () => {
  const progress = new ReadProgress();
  progress.begin(1);
  progress.cameTo(1, AT);
  progress.begin(1);
  const place = { dueAt: 2_000, seq: 8 };
  progress.putOff(place);
  assert.deepEqual(progress.cursor(1), AT);
  progress.cameTo(1, { dueAt: 2_000, seq: 41 });
  assert.equal(isDueBefore(progress.cursor(1) ?? place, place), true);
  progress.begin(1);
  progress.cameTo(1, { dueAt: 2_000, seq: 41 });
  assert.deepEqual(progress.cursor(1), { dueAt: 2_000, seq: 41 }, 'read since');
});
