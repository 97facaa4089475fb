import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Destination, Lane, Webhook } from '../../domain/webhook.ts';
import { UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { ConflictError, NotFoundError } from '../../errors.ts';
import type { KnownDestination, WebhookChange } from '../store.ts';
import type { StoreHarness } from './harness.ts';
import {
  answered,
  nextAttempt,
  SAMPLE_AT,
  SAMPLE_URL,
  sampleAudit,
  sampleChange,
  sampleConfig,
  sampleTest,
} from './samples.ts';
import { Scene } from './scene.ts';

/** Saving webhooks: versions, revisions, conflicts, and what is forgotten about their receivers. */
export function testWebhooks(harness: StoreHarness): void {
  describe('webhooks', () => {
    const scene = new Scene(harness);
    const load = (workspaceId: string) => scene.read((reads) => reads.loadWorkspace(workspaceId));
    const versionsOf = (lane: Lane) => scene.read((reads) => reads.listWebhookVersions(lane));

    it('creates version 1 and gives back all that it was given', async () => {
      const lane = await scene.lane();
      const config = sampleConfig({ name: 'Grüße', metadata: { a: 'b' }, headers: { 'X-A': '1', 'X-B': '' } });
      const { webhook } = sampleChange(lane, { config, createdAt: SAMPLE_AT - 1_000 });
      const saved = await scene.store.putWebhook(sampleChange(lane, { config, createdAt: SAMPLE_AT - 1_000 }));
      assert.deepEqual(saved, { ...webhook, version: 1, revision: 1, createdAt: SAMPLE_AT - 1_000 });
      assert.deepEqual(await load(lane.workspaceId), { revision: 1, webhooks: [saved], eventTypes: [] });
      assert.deepEqual((await scene.store.loadLane(lane))?.webhook, saved);
    });

    it('was created when it was first saved, if nothing else is said', async () => {
      const lane = await scene.lane();
      const saved = await scene.store.putWebhook(sampleChange(lane));
      assert.equal(saved.createdAt, SAMPLE_AT);
      const changed = { expectedVersion: 1, updatedAt: SAMPLE_AT + 60_000, createdAt: 7 };
      assert.equal((await scene.store.putWebhook(sampleChange(lane, changed))).createdAt, SAMPLE_AT);
      assert.equal((await load(lane.workspaceId)).webhooks[0]?.createdAt, SAMPLE_AT);
    });

    it('makes a new version and a new revision of the workspace with every change', async () => {
      const a = await scene.lane();
      const b = await scene.lane(a.workspaceId);
      const put = (lane: Lane, changes: Parameters<typeof sampleChange>[1] = {}) =>
        scene.store.putWebhook(sampleChange(lane, changes));
      const saved = [
        await put(a),
        await put(b),
        await put(a, { expectedVersion: 1, config: sampleConfig({ timeout: 7 }), updatedAt: SAMPLE_AT + 1 }),
        await put(a, { expectedVersion: 2, secret: 'another secret 1234' }),
      ];
      assert.deepEqual(
        saved.map(({ version, revision }) => [version, revision]),
        [
          [1, 1],
          [1, 2],
          [2, 3],
          [3, 4],
        ],
      );
      const { revision, webhooks } = await load(a.workspaceId);
      assert.equal(revision, 4);
      assert.deepEqual(byId(webhooks), byId([saved[1], saved[3]]));
    });

    it('refuses a change of another version than the stored one, and changes nothing', async () => {
      const webhook = await scene.webhook();
      const lane = laneOf(webhook);
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1 }));
      const before = await load(lane.workspaceId);
      for (const expectedVersion of [null, 0, 1, 3]) {
        await assert.rejects(scene.store.putWebhook(sampleChange(lane, { expectedVersion })), (error) => {
          assert.ok(error instanceof ConflictError);
          assert.equal(error.code, 'version_mismatch');
          return true;
        });
      }
      assert.deepEqual(await load(lane.workspaceId), before);
      assert.equal((await versionsOf(lane)).length, 2);
    });

    it('lets one of several simultaneous changes win', async () => {
      const lane = laneOf(await scene.webhook());
      const changes = [1, 2, 3].map((timeout) =>
        sampleChange(lane, { expectedVersion: 1, config: sampleConfig({ timeout }) }),
      );
      const outcomes = await Promise.allSettled(changes.map((change) => scene.store.putWebhook(change)));
      const [winner, ...more] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      assert.equal(more.length, 0);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'version_mismatch');
      }
      assert.deepEqual(await load(lane.workspaceId), { revision: 2, webhooks: [winner], eventTypes: [] });
    });

    it('finds nothing to change where there is no webhook, none any more, or no workspace', async () => {
      const lane = await scene.lane();
      const refuse = (change: WebhookChange) => assert.rejects(scene.store.putWebhook(change), NotFoundError);
      await refuse(sampleChange(lane, { expectedVersion: 1 }));
      await refuse(sampleChange({ ...lane, workspaceId: 'ws_unknown' }));
      await scene.store.putWebhook(sampleChange(lane));
      await scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1, deletedAt: SAMPLE_AT + 5 }));
      await refuse(sampleChange(lane, { expectedVersion: 2 }));
      await refuse(sampleChange(lane));
      assert.equal((await load(lane.workspaceId)).revision, 2);
    });

    it('keeps a deleted webhook for its lane and its history alone', async () => {
      const webhook = await scene.webhook();
      const lane = laneOf(webhook);
      const deleted = await scene.store.putWebhook(
        sampleChange(lane, { expectedVersion: 1, deletedAt: SAMPLE_AT + 5 }),
      );
      assert.equal(deleted.deletedAt, SAMPLE_AT + 5);
      assert.deepEqual((await load(lane.workspaceId)).webhooks, []);
      assert.deepEqual((await scene.store.loadLane(lane))?.webhook, deleted);
      assert.deepEqual(await versionsOf(lane), [deleted, webhook]);
    });

    it('writes the audit entry of a change with it, or neither', async () => {
      const lane = await scene.lane();
      const audit = sampleAudit(lane.workspaceId);
      await scene.store.putWebhook(sampleChange(lane, { audit }));
      await assert.rejects(scene.store.appendAudit(audit), 'the entry is there already');
      const before = await load(lane.workspaceId);
      await assert.rejects(scene.store.putWebhook(sampleChange(lane, { expectedVersion: 1, audit })));
      assert.deepEqual(await load(lane.workspaceId), before);
      assert.equal((await versionsOf(lane)).length, 1);
    });

    it('loads a workspace as it was at one revision, whatever is written meanwhile', async () => {
      const workspaceId = await scene.workspace();
      const lanes = await Promise.all(Array.from({ length: 20 }, () => scene.lane(workspaceId)));
      const writing = lanes.map((lane) => scene.store.putWebhook(sampleChange(lane)));
      const snapshots = Array.from({ length: 20 }, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return [await scene.opened.reader.loadWorkspace(workspaceId), await scene.store.loadWorkspace(workspaceId)];
      });
      for (const { revision, webhooks } of (await Promise.all(snapshots)).flat()) {
        assert.equal(webhooks.length, revision);
        assert.equal(Math.max(0, ...webhooks.map((webhook) => webhook.revision)), revision);
      }
      await Promise.all(writing);
    });

    describe('what is known about a destination', () => {
      const learned: Destination = {
        ...UNKNOWN_DESTINATION,
        scheme: 'body',
        schemeLearnedAt: SAMPLE_AT,
        notBefore: SAMPLE_AT + 9_000,
      };
      const known = (lane: Lane, url?: string) => scene.destination(lane, url);
      /** A webhook of version 1 whose receiver is known. */
      const learn = async () => {
        const lane = laneOf(await scene.webhook());
        assert.deepEqual(await known(lane), UNKNOWN_DESTINATION);
        await scene.store.recordTest(sampleTest(lane, { destination: { url: SAMPLE_URL, value: learned } }));
        assert.deepEqual(await known(lane), learned);
        return lane;
      };
      const change = (lane: Lane, expectedVersion: number, changes: Partial<Webhook>) =>
        scene.store.putWebhook(sampleChange(lane, { expectedVersion, ...changes }));

      it('is listed by webhook and by workspace, URL by URL', async () => {
        const lane = await learn();
        const other = laneOf(await scene.webhook(lane.workspaceId));
        const elsewhere = { ...learned, scheme: 'timestamped', notBefore: 0 } as const;
        for (const [where, url] of [
          [lane, 'https://other.example/'],
          [other, SAMPLE_URL],
        ] as const) {
          await scene.store.recordTest(sampleTest(where, { destination: { url, value: elsewhere } }));
        }
        const first = { webhookId: lane.webhookId, url: SAMPLE_URL, ...learned };
        const second = { webhookId: lane.webhookId, url: 'https://other.example/', ...elsewhere };
        const third = { webhookId: other.webhookId, url: SAMPLE_URL, ...elsewhere };
        const list = (webhookId?: string) =>
          scene.read(async (reads) => inOrder(await reads.listDestinations(lane.workspaceId, webhookId)));
        assert.deepEqual(await list(), inOrder([first, second, third]));
        assert.deepEqual(await list(lane.webhookId), inOrder([first, second]));
        assert.deepEqual(await list(other.webhookId), [third]);
        assert.deepEqual(await list('wh_unknown'), []);
        await change(lane, 1, { secret: 'another secret 1234' });
        assert.deepEqual(await list(), [third]);
      });

      it('outlasts a change of anything else', async () => {
        const lane = await learn();
        await change(lane, 1, { config: sampleConfig({ name: 'new', timeout: 9, headers: {} }) });
        assert.deepEqual(await known(lane), learned);
      });

      it('is forgotten when the secret changes', async () => {
        const lane = await learn();
        await change(lane, 1, { secret: 'another secret 1234' });
        assert.deepEqual(await known(lane), UNKNOWN_DESTINATION);
      });

      it('is forgotten when the URL changes, and does not come back with it', async () => {
        const lane = await learn();
        await change(lane, 1, { config: sampleConfig({ url: 'https://other.example/' }) });
        assert.deepEqual(await known(lane), UNKNOWN_DESTINATION);
        await change(lane, 2, { config: sampleConfig() });
        assert.deepEqual(await known(lane), UNKNOWN_DESTINATION);
      });

      it('is kept for each URL that routes lead to, as long as one does', async () => {
        const [kept, gone] = ['https://kept.example/', 'https://gone.example/'];
        const routesTo = (...urls: string[]) =>
          sampleConfig({ routes: urls.map((url) => ({ when: { workflow_id: url }, url })) });
        const lane = await learn();
        await change(lane, 1, { config: routesTo(kept, gone) });
        const waits = { ...learned, notBefore: 7 };
        for (const url of [kept, gone]) {
          await scene.store.recordTest(sampleTest(lane, { destination: { url, value: waits } }));
        }
        assert.deepEqual(
          [await known(lane), await known(lane, kept), await known(lane, gone)],
          [learned, waits, waits],
        );
        await change(lane, 2, { config: routesTo(kept) });
        const after = [await known(lane), await known(lane, kept), await known(lane, gone)];
        assert.deepEqual(after, [learned, waits, UNKNOWN_DESTINATION]);
      });

      it('is not learned from an outcome that is written after URL or secret changed, also if they changed back', async () => {
        const lane = laneOf(await scene.webhook());
        await scene.owe(lane, 3);
        const destination = { url: SAMPLE_URL, value: learned };
        const changes = [
          { secret: 'another secret 1234' },
          { config: sampleConfig({ url: 'https://o.example/' }) },
          {},
        ];
        for (const [i, changed] of changes.entries()) {
          await change(lane, i + 1, changed);
          await scene.settle(await scene.take(lane), { state: 'delivered' }, { destination });
          await scene.store.recordTest(sampleTest(lane, { destination }));
          assert.deepEqual(await scene.read((reads) => reads.listDestinations(lane.workspaceId)), []);
        }
        await scene.owe(lane);
        const attempt = { ...nextAttempt(await scene.take(lane), answered(200)), webhookVersion: 4 };
        await scene.settle(await scene.take(lane), { state: 'delivered' }, { destination, attempt });
        assert.deepEqual(await known(lane), learned);
      });

      it('is of one webhook', async () => {
        const lane = await learn();
        const other = laneOf(await scene.webhook(lane.workspaceId));
        assert.deepEqual(await known(other), UNKNOWN_DESTINATION);
        await change(other, 1, { secret: 'another secret 1234' });
        assert.deepEqual(await known(lane), learned);
      });
    });
  });
}

function laneOf({ workspaceId, id }: Webhook): Lane {
  return { workspaceId, webhookId: id };
}

function inOrder(destinations: readonly KnownDestination[]): KnownDestination[] {
  const key = ({ webhookId, url }: KnownDestination) => `${webhookId} ${url}`;
  return destinations.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function byId(webhooks: readonly (Webhook | undefined)[]): Webhook[] {
  return webhooks.filter((webhook) => webhook !== undefined).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
