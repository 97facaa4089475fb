import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NextStep } from '../domain/delivery.ts';
import { type MovingStore, openMoving } from '../test/postgres/moving-harness.ts';
import { ThrowawayPostgres } from '../test/postgres/throwaway-postgres.ts';
import { NAMES } from './conformance/furnish-workspace.ts';
import { plannedEvent, submission } from './conformance/samples.ts';
import { idsOf, Scene } from './conformance/scene.ts';
import { viewWorkspace } from './conformance/view-workspace.ts';
import type { Settlement } from './store.ts';

let postgres: ThrowawayPostgres;
before(async () => {
  postgres = await ThrowawayPostgres.start();
});
after(() => postgres.stop());

/** A scene on a file, of which a part is copied whenever a test wants it. */
function movingScene(): { scene: Scene; copyHistory(): Promise<void> } {
  const opened = Promise.withResolvers<MovingStore>();
  const scene = new Scene({
    async open(clock) {
      const moving = await openMoving(postgres, clock);
      opened.resolve(moving);
      return moving;
    },
  });
  return { scene, copyHistory: async () => (await opened.promise).copyHistory() };
}

describe('between one copy of the history and the next', () => {
  const { scene, copyHistory } = movingScene();

  it('what was not final may become anything', async () => {
    const lane = await scene.lane();
    const [putBack = '', redelivered = '', stays = ''] = await scene.fail(lane, 3);
    const [cancelled = '', delivered = '', waits = ''] = await scene.owe(lane, 3);
    const { store } = scene;
    const settle = async (id: string, next: NextStep, changes: Partial<Settlement> = {}) => {
      const delivery = (await scene.waiting(lane)).find((each) => each.id === id);
      assert.ok(delivery, id);
      assert.ok(await scene.settle(delivery, next, changes));
    };
    await store.cancel({ lane, deliveryId: cancelled, limit: 1, reason: 'test' });
    const members = await scene.gather(lane, 3);
    const batch = await scene.form(lane);
    const gathers = await scene.gather(lane, 1);

    await copyHistory();
    for (const id of [putBack, redelivered, cancelled]) assert.ok(await store.requeue(lane, id));
    await settle(redelivered, { state: 'delivered' });
    const { eventId, formedAt } = { eventId: 'evt_successor', formedAt: scene.clock.now() };
    const start = { state: 'failed', reason: 'gave up' } as const;
    const carried = { eventId, formedAt, members: members.slice(2), dataText: batch.event.dataText };
    const successor = { id: 'del_successor', ...carried, atFallback: false, attemptsUsed: 1, start };
    await settle(batch.id, { state: 'delivered' }, { successors: [successor] });

    await copyHistory();
    assert.ok(await store.requeue(lane, successor.id));
    await settle(successor.id, { state: 'delivered' });
    await settle(delivered, { state: 'delivered' });

    const deliveryIds = [putBack, redelivered, stays, cancelled, delivered, waits, ...members, ...gathers, batch.id];
    const names = { ...NAMES, webhookId: lane.webhookId, deliveryIds: [...deliveryIds, successor.id] };
    const view = () => viewWorkspace(scene.store, lane.workspaceId, names);
    const expected = await view();
    assert.deepEqual(idsOf(await scene.waiting(lane)).toSorted(), [putBack, cancelled, waits].toSorted());
    await scene.opened.reopen();
    assert.deepEqual(await view(), expected);
  });
});

describe('idempotency keys that were copied with the history', () => {
  const { scene, copyHistory } = movingScene();

  it('are all there in the end, also those that came at the same instant as the last one, or with the clock set back', async () => {
    const lane = await scene.lane();
    const record = (key: string) => {
      const idempotency = { scope: 'POST /v1/events', key, bodyHash: 'same' };
      return scene.store.record(submission([plannedEvent([lane], { idempotency })]));
    };
    await record('a \0 b \\ c');
    await copyHistory();
    await record('at the same instant');
    scene.clock.step(-60_000);
    await record('before it');
    await scene.opened.reopen();
    for (const key of ['a \0 b \\ c', 'at the same instant', 'before it']) {
      const result = await record(key);
      assert.deepEqual(result.kind === 'recorded' && result.events.map(({ kind }) => kind), ['duplicate'], key);
    }
  });
});
