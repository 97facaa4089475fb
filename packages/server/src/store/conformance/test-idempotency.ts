import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lane } from '../../domain/webhook.ts';
import type { IdempotencyKey, PlannedEvent } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import { plannedEvent, submission } from './samples.ts';
import { Scene } from './scene.ts';

const DAY_MS = 24 * 3600 * 1000;
const keyOf = (changes: Partial<IdempotencyKey> = {}): IdempotencyKey => ({
  scope: 'POST /v1/events',
  key: 'key-1',
  bodyHash: 'hash-1',
  ...changes,
});

/** The same request again: answered as before, recorded once. */
export function testIdempotency(harness: StoreHarness): void {
  describe('idempotency', () => {
    const scene = new Scene(harness);
    const record = (
      events: [PlannedEvent, ...PlannedEvent[]],
      idempotency: IdempotencyKey | null,
      note: string | null = null,
    ) => scene.store.record(submission(events, { idempotency, note }));
    const count = async ({ workspaceId }: Lane) => {
      const events = await scene.read((reads) => reads.listEvents({ workspaceId, limit: 999 }));
      const deliveries = await scene.read((reads) => reads.listDeliveries({ workspaceId, limit: 999 }));
      assert.equal(deliveries.length, events.length, 'one delivery each');
      return events.length;
    };
    const outcome = ({ event, deliveries }: PlannedEvent, kind: 'recorded' | 'duplicate' = 'recorded') => ({
      kind,
      id: event.id,
      type: event.type,
      deliveries: deliveries.length,
    });

    it('answers a request of the same key and body with the first answer, and records nothing', async () => {
      const lane = await scene.lane();
      const events: [PlannedEvent, ...PlannedEvent[]] = [plannedEvent([lane]), plannedEvent([lane])];
      const first = await record(events, keyOf(), '{"refused":[]}');
      assert.deepEqual(first, { kind: 'recorded', events: events.map((event) => outcome(event)) });
      for (const note of ['another note', null]) {
        const again = await record([plannedEvent([lane])], keyOf(), note);
        assert.deepEqual(again, { kind: 'duplicate', events: first.events, note: '{"refused":[]}' });
      }
      assert.equal(await count(lane), 2);
    });

    it('keeps that there was no note, and takes a request without events', async () => {
      const { workspaceId } = await scene.lane();
      const empty = { workspaceId, events: [], idempotency: keyOf(), note: null };
      assert.deepEqual(await scene.store.record(empty), { kind: 'recorded', events: [] });
      assert.deepEqual(await scene.store.record({ ...empty, note: 'x' }), {
        kind: 'duplicate',
        events: [],
        note: null,
      });
    });

    it('refuses another body under the same key', async () => {
      const lane = await scene.lane();
      await record([plannedEvent([lane])], keyOf());
      assert.deepEqual(await record([plannedEvent([lane])], keyOf({ bodyHash: 'hash-2' })), { kind: 'conflict' });
      assert.equal(await count(lane), 1);
    });

    it('knows a key by its scope and its text, whole', async () => {
      const lane = await scene.lane();
      const keys = [{}, { key: 'key-2' }, { key: 'KEY-1' }, { scope: 'POST /v1/events/batch' }, { key: '' }];
      for (const changes of keys) {
        assert.equal((await record([plannedEvent([lane])], keyOf(changes))).kind, 'recorded', JSON.stringify(changes));
      }
      assert.equal((await record([plannedEvent([lane])], null)).kind, 'recorded');
      assert.equal(await count(lane), keys.length + 1);
    });

    it('forgets a key after 24 hours', async () => {
      const lane = await scene.lane();
      await record([plannedEvent([lane])], keyOf());
      scene.clock.step(DAY_MS - 1);
      assert.equal((await record([plannedEvent([lane])], keyOf())).kind, 'duplicate');
      assert.equal((await record([plannedEvent([lane])], keyOf({ bodyHash: 'hash-2' }))).kind, 'conflict');
      scene.clock.step(2);
      assert.equal((await record([plannedEvent([lane])], keyOf({ bodyHash: 'hash-2' }))).kind, 'recorded');
      assert.equal((await record([plannedEvent([lane])], keyOf())).kind, 'conflict', 'the new body holds from now on');
      assert.equal(await count(lane), 2);
    });

    it('keeps the keys that live while others expire', async () => {
      const lane = await scene.lane();
      for (let i = 0; i < 10; i += 1) await record([plannedEvent([lane])], keyOf({ key: `old-${i}` }));
      scene.clock.step(DAY_MS / 2);
      for (let i = 0; i < 10; i += 1) await record([plannedEvent([lane])], keyOf({ key: `young-${i}` }));
      scene.clock.step(DAY_MS / 2 + 1);
      for (let i = 0; i < 10; i += 1) {
        assert.equal((await record([plannedEvent([lane])], keyOf({ key: `new-${i}` }))).kind, 'recorded');
        assert.equal((await record([plannedEvent([lane])], keyOf({ key: `young-${i}` }))).kind, 'duplicate');
        assert.equal((await record([plannedEvent([lane])], keyOf({ key: `old-${i}` }))).kind, 'recorded');
      }
    });

    it('records once what comes several times at once', async () => {
      const lane = await scene.lane();
      const results = await Promise.all(Array.from({ length: 8 }, () => record([plannedEvent([lane])], keyOf())));
      assert.equal(results.filter(({ kind }) => kind === 'recorded').length, 1);
      assert.equal(results.filter(({ kind }) => kind === 'duplicate').length, 7);
      assert.equal(
        new Set(results.map((result) => result.kind !== 'conflict' && JSON.stringify(result.events))).size,
        1,
      );
      assert.equal(await count(lane), 1);
    });

    it('does not know a key whose request was refused', async () => {
      const lane = await scene.lane();
      const event = plannedEvent([lane]);
      await assert.rejects(record([event, event], keyOf()));
      assert.equal((await record([event], keyOf())).kind, 'recorded');
    });

    describe('of single events', () => {
      it('records what is new, and answers for the others what they were answered first', async () => {
        const lane = await scene.lane();
        const first = plannedEvent([lane, await scene.lane(lane.workspaceId)], { idempotency: keyOf() });
        await record([first], null);
        const [fresh, again, other] = [
          plannedEvent([lane], { idempotency: keyOf({ key: 'key-2' }) }),
          plannedEvent([lane], { idempotency: keyOf() }),
          plannedEvent([lane], { idempotency: keyOf({ bodyHash: 'hash-2' }) }),
        ];
        const result = await record([again, fresh, other], null);
        const events = [outcome(first, 'duplicate'), outcome(fresh), { kind: 'conflict' }];
        assert.deepEqual(result, { kind: 'recorded', events });
        for (const { event } of [again, other]) {
          assert.equal(await scene.read((reads) => reads.getEvent(lane.workspaceId, event.id)), null);
        }
        assert.equal((await scene.due(lane, 0)).length, 2);
      });

      it('records once what stands twice in one request', async () => {
        const lane = await scene.lane();
        const [first, second] = [1, 2].map(() => plannedEvent([lane], { idempotency: keyOf() }));
        assert.ok(first && second);
        const result = await record([first, second], null);
        assert.deepEqual(result, { kind: 'recorded', events: [outcome(first), outcome(first, 'duplicate')] });
        assert.equal(await count(lane), 1);
      });

      it('is remembered in the answer to the whole request too', async () => {
        const lane = await scene.lane();
        const item = plannedEvent([lane], { idempotency: keyOf() });
        await record([item], null);
        const request = keyOf({ key: 'request', scope: 'POST /v1/events/batch' });
        const conflicting = plannedEvent([lane], { idempotency: keyOf({ bodyHash: 'hash-2' }) });
        const events = [outcome(item, 'duplicate'), { kind: 'conflict' }];
        const repeated = plannedEvent([lane], { idempotency: keyOf() });
        assert.deepEqual(await record([repeated, conflicting], request, 'n'), { kind: 'recorded', events });
        assert.deepEqual(await record([repeated, conflicting], request), { kind: 'duplicate', events, note: 'n' });
        assert.equal(await count(lane), 1);
      });

      it('expires like any other', async () => {
        const lane = await scene.lane();
        await record([plannedEvent([lane], { idempotency: keyOf() })], null);
        scene.clock.step(DAY_MS + 1);
        const again = plannedEvent([lane], { idempotency: keyOf() });
        assert.deepEqual(await record([again], null), { kind: 'recorded', events: [outcome(again)] });
      });
    });
  });
}
