import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import type { HoldChange } from '../../domain/hold.ts';
import { type Ordering, runInOrder } from '../../domain/ordering.ts';
import { createAddressPolicy } from '../../domain/public-address.ts';
import type { Webhook } from '../../domain/webhook.ts';
import { parseWebhookConfig, type WebhookConfig } from '../../domain/webhook-config.ts';
import { AppError } from '../../errors.ts';
import type { PlannedDelivery } from '../../store/store.ts';
import type { Chance } from './chance.ts';
import { OWN_HEADER } from './check-start.ts';
import type { ClusterCheck } from './cluster-check.ts';
import type { DeliveryFacts, WebhookFacts } from './facts.ts';
import type { Ledger } from './ledger.ts';
import type { PromptCheck } from './prompt-check.ts';
import type { WrittenConfig } from './random-config.ts';
import type { State } from './reached.ts';
import { fallbackHost } from './receivers.ts';
import type { RunCheck } from './run-check.ts';
import type { DeliveryAct, Step, WebhookAct } from './scenario.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { isLane, keyOf } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import type { Witness } from './witness.ts';

const WORKSPACE = 'ws_1';
const RUNS = [null, 'run_1', 'run_1', 'run_2', 'run_3'] as const;
const RULES = {
  allowHttp: false,
  addressPolicy: createAddressPolicy({ allowNetworks: [] }),
  headerPrefix: 'X-Broxi-',
};

/** People and producers. They act through a process while it lives; what it does not live to answer is in doubt. */
export class People {
  readonly #witness: Witness;
  readonly #ledger: Ledger;
  readonly #prompt: PromptCheck;
  readonly #runs: RunCheck;
  readonly #cluster: ClusterCheck;
  readonly #chance: Chance;
  #ids = 0;

  constructor(
    witness: Witness,
    ledger: Ledger,
    others: { prompt: PromptCheck; runs: RunCheck; cluster: ClusterCheck; chance: Chance },
  ) {
    this.#witness = witness;
    this.#ledger = ledger;
    this.#prompt = others.prompt;
    this.#runs = others.runs;
    this.#cluster = others.cluster;
    this.#chance = others.chance;
  }

  async createWorkspace(node: SimulatedNode): Promise<void> {
    await node.store.ensureWorkspace({ id: WORKSPACE, name: 'simulated' });
  }

  async createWebhook(node: SimulatedNode, host: string, given: WrittenConfig): Promise<void> {
    const shared = this.#witness.disk.isShared ? this.#chance.between(1, 2 ** 31) : 0;
    const webhookId = shared === 0 ? this.#newId('wh') : `wh_${shared.toString(16).padStart(32, 'a')}`;
    const webhook = this.#ledger.addWebhook({ workspaceId: WORKSPACE, webhookId }, host);
    const url = `https://${host}/${this.#ids}`;
    await this.#put(node, webhook, { ...this.#parse(given, { url }), expectedVersion: null });
  }

  async publish(node: SimulatedNode, { webhooks, count }: Extract<Step, { kind: 'publish' }>): Promise<void> {
    const all = [...this.#ledger.webhooks.values()];
    const chosen = all.filter((webhook, i) => webhooks.includes(i) && this.#latest(webhook)?.config.active === true);
    const live = chosen.filter((webhook) => this.#latest(webhook)?.deletedAt === null);
    const now = this.#witness.time.now;
    const deliveries = Array.from({ length: count }, () =>
      live.map((webhook) => {
        const payload = this.#latest(webhook)?.config.payload ?? 'full';
        return this.#ledger.addDelivery(this.#newId('del'), webhook, payload);
      }),
    );
    const events = deliveries.map((owed) => {
      const runId = this.#chance.pick(RUNS);
      return {
        event: {
          ...{ workspaceId: WORKSPACE, id: this.#newId('evt'), type: this.#someType(), runId, revision: 1 },
          ...{ occurredAt: now, acceptedAt: now, dataText: JSON.stringify({ workflow_id: 'wf', n: this.#ids }) },
        },
        deliveries: owed.map((delivery) => this.#plan(delivery, runId)),
        idempotency: null,
      };
    });
    try {
      await node.store.record({ workspaceId: WORKSPACE, events, idempotency: null, note: null });
    } catch (error) {
      this.#expected(error, 'a publish was refused by a full disk');
      for (const delivery of deliveries.flat()) delivery.refused = true;
      return;
    }
    for (const delivery of deliveries.flat()) delivery.acknowledgedAt = this.#witness.time.now;
    const { reached } = this.#witness;
    for (const webhook of live) {
      if (!node.store.owns(webhook.lane))
        reached.note('an event was taken in by another node than the owner of its lane');
      this.#prompt.expect(webhook);
      const batch = this.#latest(webhook)?.config.batch;
      if (batch) this.#prompt.expect(webhook, now + batch.timeout * 1000);
    }
  }

  /** Two types, so that what waits for company is not all of one. */
  #someType(): string {
    return this.#ids % 4 === 0 ? 'workflow.failed' : 'workflow.started';
  }

  #plan({ id, webhook, payload }: DeliveryFacts, runId: string | null): PlannedDelivery {
    const { ordering = null, batch = null } = this.#latest(webhook)?.config ?? {};
    const run = runInOrder(ordering, runId);
    return {
      ...{ id, webhookId: webhook.lane.webhookId },
      ...(run !== null && { run }),
      ...(payload === 'thin' && { payload }),
      ...(batch !== null && { gathers: true as const }),
    };
  }

  /** @param node that is asked, unless only the owner can do it */
  async actOnWebhook(
    nodes: readonly SimulatedNode[],
    node: SimulatedNode,
    step: Extract<Step, { kind: 'webhook' }>,
  ): Promise<void> {
    const all = [...this.#ledger.webhooks.values()];
    // A test is what one does about a receiver that was down.
    const down =
      step.act === 'test' ? all.filter((each) => this.#ledger.destinationOf(each)?.circuit.state === 'open') : [];
    const webhook = down[0] ?? all[step.webhook % all.length];
    const latest = webhook && this.#latest(webhook);
    if (webhook === undefined || webhook.changing || latest?.deletedAt !== null) return;
    // Not all of those that have it have heard of the latest change.
    if (webhook.changedUntil > this.#witness.time.now) return;
    // What a test tells is known to its own node alone.
    const asked = step.act === 'test' ? ownerAmong(nodes, webhook) : node;
    if (asked === undefined) return;
    await this.act(asked, webhook, { act: step.act, config: step.config });
  }

  /** One change of a webhook, which goes on alone: others wait for it. */
  async act(
    node: SimulatedNode,
    webhook: WebhookFacts,
    { act, config }: { act: WebhookAct; config: WrittenConfig },
  ): Promise<void> {
    const before = this.#latest(webhook);
    if (before === undefined) return;
    if (act === 'test') return await this.#test(node, webhook);
    webhook.changing = true;
    webhook.changingAt = node.id;
    webhook.changedFrom = this.#witness.time.now;
    try {
      await this.#change(node, webhook, { act, config, before });
    } catch (error) {
      this.#expected(error);
    }
    this.#cluster.changed(webhook, node);
    this.#prompt.expect(webhook, webhook.changedUntil + 1);
  }

  async #change(
    node: SimulatedNode,
    webhook: WebhookFacts,
    { act, config, before }: { act: Exclude<WebhookAct, 'test'>; config: WrittenConfig; before: Webhook },
  ): Promise<void> {
    const put = (changes: Partial<Webhook>) =>
      this.#put(node, webhook, { ...before, ...changes, expectedVersion: before.version });
    switch (act) {
      case 'pause':
      case 'resume':
      case 'enable':
        if (act !== 'pause') for (const destination of this.#ledger.destinationsOf(webhook)) destination.resume();
        this.#noteRelease(webhook, act);
        await this.#hold(node, webhook, act);
        if (act !== 'pause') for (const destination of this.#ledger.destinationsOf(webhook)) destination.resume();
        if (act === 'pause') this.#witness.reached.note('a person paused');
        return;
      case 'deactivate':
        await put({ config: { ...before.config, active: false } });
        return this.#witness.reached.note('a person deactivated');
      case 'activate':
        return await put({ config: { ...before.config, active: true } });
      case 'change URL':
        await put({ config: { ...before.config, url: `https://${webhook.host}/${this.#newId('wh')}` } });
        return this.#witness.reached.note('a person changed the URL');
      case 'change secret':
        await put({ secret: `another secret ${this.#newId('wh')}` });
        return this.#witness.reached.note('a person changed the secret');
      case 'change limits': {
        const { url, signature_scheme, fallback_url } = before.config;
        const changed = this.#parse(config, { url, signature_scheme, fallback_url });
        if (fallback_url !== null && changed.config.fallback_url === null && this.#waitsForFallback(webhook)) {
          this.#witness.reached.note('a person took out a fallback that something waited for');
        }
        this.#noteOrder(webhook, before.config.ordering, changed.config.ordering);
        await put({ config: { ...changed.config, active: before.config.active } });
        return this.#witness.reached.note('a person changed a limit');
      }
      case 'delete':
        if (this.#owes(webhook)) this.#witness.reached.note('a person deleted a webhook that was owed something');
        return await put({ deletedAt: this.#witness.time.now });
    }
  }

  /** @param node that is asked, unless only the owner can do it */
  async actOnDelivery(
    nodes: readonly SimulatedNode[],
    node: SimulatedNode,
    { delivery: chosen, act }: Extract<Step, { kind: 'delivery' }>,
  ): Promise<void> {
    const state = act === 'cancel' ? ['pending'] : act === 'retry' ? ['failed', 'cancelled'] : ['delivered', 'failed'];
    const fitting = [...this.#ledger.deliveries.values()].filter((each) => {
      const row = this.#ledger.rowOf(each);
      const isGivenUp = act === 'cancel' && row?.state === 'failed' && row.run !== null;
      return row !== undefined && row.origin !== 'test' && (state.includes(row.state) || isGivenUp);
    });
    const delivery = fitting[chosen % Math.max(1, fitting.length)];
    if (delivery === undefined || this.#latest(delivery.webhook)?.deletedAt !== null) return;
    // Another node does not know what is in the air.
    const asked = act === 'cancel' ? ownerAmong(nodes, delivery.webhook) : node;
    if (asked === undefined) return;
    try {
      await this.#actOn(asked, delivery.id, { webhook: delivery.webhook, act });
    } catch (error) {
      this.#expected(error);
    }
  }

  async #actOn(
    node: SimulatedNode,
    id: string,
    { webhook, act }: { webhook: WebhookFacts; act: DeliveryAct },
  ): Promise<void> {
    const { reached } = this.#witness;
    const row = this.#ledger.rowOf({ id, webhook });
    if (act === 'cancel') {
      const gathered = this.#witness.disk.queue.get(keyOf(WORKSPACE, id))?.class === DELIVERY_CLASS.gathering;
      const over = this.#runs.cancelling(row);
      const outcome = await node.engine.cancel(webhook.lane, id).finally(over);
      if (outcome === 'cancelled' && row?.state === 'failed') reached.note('a person gave up one that failed in a run');
      if (outcome !== 'sending') this.#prompt.expect(webhook);
      if (outcome === 'cancelled') reached.note('a person cancelled a delivery');
      if (outcome === 'cancelled' && gathered) reached.note('a person cancelled a member before its batch was made');
      if (outcome === 'sending') reached.note('a person could not cancel what was in the air');
      return;
    }
    if (act === 'retry') {
      if (await node.store.requeue(webhook.lane, id)) {
        reached.note('a person put a delivery back');
        if (this.#ledger.deliveries.get(id)?.members) reached.note('a person put a batch back');
      }
    } else {
      const { payload = null } = this.#ledger.deliveries.get(id) ?? {};
      const replay = this.#ledger.addDelivery(this.#newId('del'), webhook, payload);
      if (await node.store.replay(webhook.lane, id, replay.id)) {
        replay.acknowledgedAt = this.#witness.time.now;
        reached.note('a person replayed a delivery');
      }
    }
    this.#runs.changed(row);
    this.#prompt.expect(webhook);
  }

  /** A person decides on a delivery that keeps back its run. */
  async free(node: SimulatedNode, webhook: WebhookFacts, id: string): Promise<void> {
    await this.#actOn(node, id, { webhook, act: this.#chance.pick(['retry', 'cancel']) });
  }

  async #test(node: SimulatedNode, webhook: WebhookFacts): Promise<void> {
    this.#witness.reached.note('a test was sent');
    try {
      await node.sendTest({ workspaceId: WORKSPACE, id: webhook.lane.webhookId });
    } catch (error) {
      this.#expected(error);
    }
    this.#ledger.testEnded(webhook);
  }

  async #hold(node: SimulatedNode, { lane }: WebhookFacts, change: HoldChange): Promise<void> {
    await node.store.changeHold({ lane, change, audit: this.#audit(change, lane.webhookId) });
  }

  async #put(
    node: SimulatedNode,
    { lane }: WebhookFacts,
    changes: Pick<Webhook, 'config' | 'secret'> & Partial<Webhook> & { expectedVersion: number | null },
  ): Promise<void> {
    const { expectedVersion, config, secret, deletedAt = null } = changes;
    const { workspaceId, webhookId: id } = lane;
    const webhook = { workspaceId, id, config, secret, updatedAt: this.#witness.time.now, deletedAt };
    await node.store.putWebhook({ webhook, expectedVersion, audit: this.#audit('put', id) });
  }

  #audit(action: string, subject: string) {
    const at = this.#witness.time.now;
    return { workspaceId: WORKSPACE, id: this.#newId('aud'), at, actor: 'key_1', action, subject, detail: null };
  }

  /** @param rest what does not change, its URLs among it */
  #parse(
    { hasFallback, ...given }: WrittenConfig,
    rest: { url: string; signature_scheme?: string; fallback_url?: string | null },
  ): { config: WebhookConfig; secret: string } {
    // One that was taken out never comes back: what was known about it is forgotten.
    const another = () => `https://${fallbackHost(new URL(rest.url).host)}/${this.#newId('wh')}`;
    const fallback_url = hasFallback ? (rest.fallback_url ?? another()) : null;
    const headers = { [OWN_HEADER]: 'of the own URL' };
    const { config } = parseWebhookConfig({ ...given, ...rest, fallback_url, headers, events: ['*'] }, RULES);
    return { config, secret: `secret of ${this.#newId('wh')}` };
  }

  #latest({ lane }: WebhookFacts): Webhook | undefined {
    return versionsOf(this.#witness.disk, lane).at(-1);
  }

  #owes({ lane }: WebhookFacts): boolean {
    return this.#witness.disk.queue.all().some((row) => isLane(row.lane, lane));
  }

  #noteOrder(webhook: WebhookFacts, before: Ordering | null, after: Ordering | null): void {
    if (before?.on_exhausted === after?.on_exhausted || !this.#owes(webhook)) return;
    if (before === null) this.#witness.reached.note('an order began while something waited');
    if (after === null) this.#witness.reached.note('an order ended while something waited');
  }

  #waitsForFallback({ lane }: WebhookFacts): boolean {
    const { queue, deliveries } = this.#witness.disk;
    return queue.all().some((row) => isLane(row.lane, lane) && deliveries.get(row.key)?.atFallback === true);
  }

  #noteRelease(webhook: WebhookFacts, act: HoldChange): void {
    const hold = this.#witness.disk.holds.get([WORKSPACE, webhook.lane.webhookId].join('\u0000'))?.hold;
    if (act === 'pause' || !this.#owes(webhook)) return;
    if (hold?.disabledReason === 'gone') this.#witness.reached.note('deliveries held by 410, and released');
    if (hold?.pausedAt != null && act === 'resume') {
      this.#witness.reached.note('deliveries held by a person, and released');
    }
  }

  /** A person is told that it cannot be done now, or that somebody was faster; anything else is an error. */
  #expected(error: unknown, state?: State): void {
    const isTold =
      error instanceof AppError && ['store_unavailable', 'not_found', 'version_mismatch'].includes(error.code);
    if (!isTold) this.#witness.breach(`a call ended with ${error instanceof Error ? error.stack : error}`);
    else if (state !== undefined && error.code === 'store_unavailable') this.#witness.reached.note(state);
  }

  /** Of a shape that ids have, and the same for the same seed. */
  #newId(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_${this.#ids.toString(16).padStart(32, '0')}`;
  }

  /** Chance for a process that people start. */
  branch(): Chance {
    return this.#chance.branch();
  }
}

function ownerAmong(nodes: readonly SimulatedNode[], { lane }: WebhookFacts): SimulatedNode | undefined {
  const [only, ...more] = nodes;
  return more.length === 0 ? only : nodes.find((node) => node.isWell && node.store.owns(lane));
}
