import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSED_CIRCUIT } from '../domain/circuit.ts';
import type { Destination } from '../domain/webhook.ts';
import { type HealthNews, type Landed, LaneHealth } from './lane-health.ts';

const NOW = Date.UTC(2026, 0, 1);
type Known = Pick<Destination, 'circuit' | 'failing'>;

/** A destination and how it does; `land` tells of one attempt. */
function open(known: Known = { circuit: CLOSED_CIRCUIT, failing: null }) {
  const health = new LaneHealth(known);
  let present = known;
  const land = (evidence: Landed['evidence'], landed: Partial<Landed> = {}): HealthNews => {
    const now = landed.now ?? NOW;
    const defaults = { startedAt: now, isProbe: false, slots: 16, resumedAt: 0 };
    const news = health.observe(present, { ...defaults, ...landed, evidence, now });
    present = news.destination;
    if (news.isNews) health.written(present);
    return news;
  };
  return { health, land, circuit: () => present.circuit };
}

test('five failures are news that opens the circuit; each by itself is none', () => {
  const { land, circuit } = open();
  assert.deepEqual(
    Array.from({ length: 5 }, () => land('counted_failure').isNews),
    [false, false, false, false, true],
  );
  assert.equal(circuit().state, 'open');
});

test('what was sent before the circuit opened counts no more once it is answered again', () => {
  const { land, circuit } = open();
  for (let i = 0; i < 5; i += 1) land('counted_failure');
  land('success', { isProbe: true, now: NOW + 5_000 });
  assert.equal(circuit().state, 'half_open');
  for (let i = 0; i < 20; i += 1) land('counted_failure', { startedAt: NOW, now: NOW + 6_000 });
  assert.deepEqual(circuit(), { state: 'half_open', since: NOW + 5_000, width: 1, widenAt: NOW + 6_000 });
  land('success', { now: NOW + 7_000, slots: 1 });
  assert.equal(circuit().state, 'closed');
  for (let i = 0; i < 20; i += 1) land('counted_failure', { startedAt: NOW + 4_999, now: NOW + 60_000 });
  assert.equal(circuit().state, 'closed');
  for (let i = 0; i < 20; i += 1) land('counted_failure', { startedAt: NOW + 5_000, now: NOW + 60_000 });
  assert.equal(circuit().state, 'open');
});

test('failures before the circuit opened do not open it again after its first failure', () => {
  const { land, circuit } = open();
  for (let i = 0; i < 12; i += 1) land('counted_failure');
  land('other_answer', { isProbe: true, now: NOW + 5_000 });
  land('counted_failure', { now: NOW + 5_000 });
  assert.equal(circuit().state, 'half_open');
});

test('a streak is written once an hour, cleared by a success, and begun anew by a person', () => {
  const { land } = open();
  const at = (minutes: number) => NOW + minutes * 60_000;
  const other = (minutes: number, resumedAt = 0) => land('other_answer', { now: at(minutes), resumedAt });
  assert.equal(other(0).isNews, false);
  assert.equal(other(59).isNews, false);
  assert.equal(other(60).isNews, true);
  assert.equal(other(61).isNews, false);
  assert.equal(other(62, at(61)).destination.failing?.since, at(62));
  assert.deepEqual(land('success', { now: at(63) }), {
    destination: { circuit: CLOSED_CIRCUIT, failing: null },
    isNews: true,
    isHopeless: false,
  });
  assert.equal(land('success', { now: at(64) }).isNews, false);
});

test('is quiet when nothing failed since the last success, and a minute has passed', () => {
  const { health, land } = open();
  assert.equal(health.isQuiet({ failing: null }, NOW), true);
  land('success');
  assert.equal(health.isQuiet({ failing: null }, NOW), false);
  assert.equal(health.isQuiet({ failing: null }, NOW + 60_000), true);
  const { failing } = land('other_answer').destination;
  assert.equal(health.isQuiet({ failing }, NOW + 600_000), false);
});
