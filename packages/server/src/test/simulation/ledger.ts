import type { OutgoingRequest } from '../../deliver/send-request.ts';
import type { ExchangeResult } from '../../domain/attempt.ts';
import type { PayloadKind } from '../../domain/delivery.ts';
import type { Destination, Lane, Webhook } from '../../domain/webhook.ts';
import { UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import { shardOf } from '../../store/postgres/shards.ts';
import type { NewBatch, Settlement } from '../../store/store.ts';
import { batchDataIn, checkCarried, checkForming, meaningOf } from './batch-check.ts';
import { checkSettlement, retryAfterMs } from './check-settlement.ts';
import { checkExchange, checkStart } from './check-start.ts';
import { DestinationOracle, evidenceOf } from './destination-oracle.ts';
import {
  type AttemptFacts,
  type DeliveryFacts,
  type ExchangeFacts,
  newAttempt,
  newDelivery,
  newWebhook,
  type WebhookFacts,
} from './facts.ts';
import type { FairnessCheck } from './fairness-check.ts';
import type { PaceCheck } from './pace-check.ts';
import { readRequest } from './read-request.ts';
import { signedText } from './receivers.ts';
import type { RunCheck } from './run-check.ts';
import { type DeliveryRow, keyOf } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import { TroubleOracle } from './trouble-oracle.ts';
import type { Witness } from './witness.ts';

/** News of a change reaches the owner of a lane within this, and without a bell within that. */
export const HEARD_MS = 1_000;
export const HEARD_LATE_MS = 4_000;

/** An exchange under way: what the transport hands back with the answer. */
export interface OpenExchange {
  attempt: AttemptFacts;
  exchange: ExchangeFacts;
}

/**
 * Keeps the books of a simulation from outside the engine: what was acknowledged, what reached the receivers, what came back and
 * what was written down; and has every step checked against them.
 */
export class Ledger {
  readonly deliveries = new Map<string, DeliveryFacts>();
  readonly webhooks = new Map<string, WebhookFacts>();
  /** By process and delivery: attempts whose outcome is not on disk. */
  readonly #inTheAir = new Map<string, AttemptFacts>();
  readonly #witness: Witness;
  readonly #pace: PaceCheck;
  readonly #fairness: FairnessCheck;
  readonly #runs: RunCheck;
  readonly #trace: (line: string) => void;
  /** Batches have ids that no seed gives. */
  readonly #batchNames = new Map<string, string>();

  constructor(
    witness: Witness,
    checks: { pace: PaceCheck; fairness: FairnessCheck; runs: RunCheck; trace: (line: string) => void },
  ) {
    this.#witness = witness;
    this.#pace = checks.pace;
    this.#fairness = checks.fairness;
    this.#runs = checks.runs;
    this.#trace = (line) => checks.trace(line.replace(/del_\w+/g, (id) => this.#batchNames.get(id) ?? id));
  }

  addWebhook(lane: Lane, host: string): WebhookFacts {
    const webhook = newWebhook(lane, host, new TroubleOracle(this.#witness));
    this.webhooks.set(lane.webhookId, webhook);
    return webhook;
  }

  addDelivery(id: string, webhook: WebhookFacts, payload: PayloadKind | null): DeliveryFacts {
    const delivery = newDelivery(id, webhook, payload);
    this.deliveries.set(id, delivery);
    return delivery;
  }

  /** A batch is to be made, unless it was already. */
  #addBatch(id: string, webhook: WebhookFacts, { isReplay = false } = {}): DeliveryFacts {
    const known = this.deliveries.get(id);
    if (known !== undefined) return known;
    this.#batchNames.set(id, `batch ${this.#batchNames.size + 1}`);
    return Object.assign(this.addDelivery(id, webhook, 'full'), { isReplay });
  }

  /** The engine has a batch made. */
  forming(batch: NewBatch): DeliveryFacts | null {
    const webhook = this.webhooks.get(batch.lane.webhookId);
    if (webhook === undefined) return this.#unknown('a batch of no webhook is made');
    checkForming(this.#witness, { webhook, versions: this.#versions(webhook), batch });
    const delivery = this.#addBatch(batch.id, webhook);
    this.#trace(`forming ${batch.id} of ${batch.members.map(({ seq }) => seq)}`);
    return delivery;
  }

  /** What a delivery came to, or the batch that it is in. */
  fateOf(delivery: DeliveryFacts): DeliveryRow['state'] | undefined {
    const row = this.rowOf(delivery);
    return row?.batch == null ? row?.state : this.#witness.disk.deliveries.get(row.batch)?.state;
  }

  rowOf({ id, webhook }: Pick<DeliveryFacts, 'id' | 'webhook'>): DeliveryRow | undefined {
    return this.#witness.disk.deliveries.get(keyOf(webhook.lane.workspaceId, id));
  }

  /** The oracle of the receiver that a webhook leads to now, or of the one that this delivery goes to. */
  destinationOf(webhook: WebhookFacts, row?: DeliveryRow): DestinationOracle | undefined {
    const latest = versionsOf(this.#witness.disk, webhook.lane).at(-1);
    return latest && this.#destination(webhook, leadsTo(latest, row), latest.secret);
  }

  /** Those of all receivers that a webhook leads to now. */
  destinationsOf(webhook: WebhookFacts): DestinationOracle[] {
    const latest = versionsOf(this.#witness.disk, webhook.lane).at(-1);
    const urls = latest === undefined ? [] : [latest.config.url, latest.config.fallback_url ?? latest.config.url];
    return urls.map((url) => this.#destination(webhook, url, latest?.secret ?? ''));
  }

  /** A request leaves. @param node the process that sends it */
  sent(request: OutgoingRequest, node: string): OpenExchange | null {
    const { webhookId, deliveryId, event, number, signed } = readRequest(request);
    const webhook = this.webhooks.get(webhookId);
    const isTest = event === 'webhook.test';
    if (webhook === undefined) return this.#unknown(`a request of no webhook was sent`);
    let delivery = this.deliveries.get(deliveryId);
    if (delivery === undefined && isTest) delivery = this.addDelivery(deliveryId, webhook, null);
    if (delivery === undefined) return this.#unknown(`${deliveryId} was sent, which nobody published`);
    const orphan = this.#inTheAir.get(keyOf(node, deliveryId));
    if (orphan?.isOrphan) return this.#anotherOfOrphan(orphan, delivery, request);
    const row = this.rowOf(delivery);
    const versions = this.#versions(webhook).filter((version) => leadsTo(version, row) === request.url.href);
    const version = versions.find(({ secret }) => signedText(signed, secret) !== null);
    const scheme = version && signedText(signed, version.secret);
    if (version === undefined || !scheme) {
      // An attempt that began before a change goes on as it began.
      const began = delivery.attempt?.versions.find(({ secret }) => signedText(signed, secret) !== null);
      const beganWith = began && signedText(signed, began.secret);
      if (!beganWith || delivery.attempt?.state !== 'between') {
        return this.#unknown(
          `${deliveryId} was sent to ${request.url.href}, or signed, as no version of its webhook says`,
        );
      }
      return this.#exchange(delivery.attempt, request, {
        sentAt: this.#witness.time.now,
        scheme: beganWith,
        result: null,
      });
    }
    const exchange: ExchangeFacts = { sentAt: this.#witness.time.now, scheme, result: null };
    if (delivery.attempt?.state === 'between' && delivery.attempt.number === number) {
      return this.#exchange(delivery.attempt, request, exchange);
    }
    const attempt = newAttempt({
      ...{ node, deliveryId, webhook, isTest, number },
      class: row?.class ?? 0,
      startedAt: exchange.sentAt,
      versions: versions.filter(({ secret }) => secret === version.secret),
      destination: this.#destination(webhook, request.url.href, version.secret),
      isFallback: version.config.url !== request.url.href,
    });
    if (event === 'webhook.batch') this.#readBatch(delivery, request.body);
    attempt.isProbe = attempt.destination.circuit.state === 'open';
    const before = delivery.attempt;
    if (before !== null)
      this.#witness.breach(`${deliveryId} was sent while its attempt ${before.number} is not settled`);
    if (!isTest) {
      checkStart(this.#witness, { attempt, delivery, row, request });
      this.#fairness.started(attempt, (waiting) => this.destinationOf(webhook, waiting) === attempt.destination);
      this.#runs.started(attempt, row);
      const { destination } = attempt;
      const others = [...webhook.attempts].filter((one) => !one.isTest && one.destination === destination);
      if (!webhook.muddled) destination.started(deliveryId, { others, isChanging: this.#isChanging(webhook) });
      webhook.trouble.started(deliveryId);
      const own = attempt.isFallback ? this.destinationOf(webhook) : destination;
      if (own?.isGivenUp && !webhook.muddled)
        this.#witness.breach(`${deliveryId} was sent after its webhook was disabled`);
    }
    if (!isTest && [...this.#inTheAir.values()].some((other) => other.node !== node && !other.isOrphan))
      this.#witness.reached.note('two nodes had something in the air at once');
    delivery.attempt = attempt;
    this.#inTheAir.set(keyOf(node, deliveryId), attempt);
    webhook.attempts.add(attempt);
    webhook.startedAt = exchange.sentAt;
    return this.#exchange(attempt, request, exchange);
  }

  /** It would leave when the time of its attempt is over: nobody hears of it, and it is recorded. */
  tooLate(request: OutgoingRequest, node: string, result: ExchangeResult): void {
    const attempt = this.#inTheAir.get(keyOf(node, readRequest(request).deliveryId));
    if (attempt === undefined) return;
    attempt.exchanges.push({ sentAt: this.#witness.time.now, scheme: 'body', result });
    if (!attempt.isOrphan) this.#land(attempt, result);
  }

  /** One that began while its lane was its node's may go on with the other signature. */
  #anotherOfOrphan(attempt: AttemptFacts, delivery: DeliveryFacts, request: OutgoingRequest): OpenExchange {
    const exchange: ExchangeFacts = { sentAt: this.#witness.time.now, scheme: 'timestamped', result: null };
    attempt.exchanges.push(exchange);
    if (delivery.body !== request.body) this.#witness.breach(`${delivery.id} was sent with other bytes than before`);
    this.#trace(`sent ${delivery.id} ${attempt.number} by ${attempt.node}, which has its lane no more`);
    return { attempt, exchange };
  }

  #readBatch(delivery: DeliveryFacts, body: string): void {
    const row = this.rowOf(delivery);
    delivery.members = batchDataIn(body).events.map((event) => event.delivery_id);
    if (row?.origin === 'replay') delivery.isReplay = true;
    checkCarried(this.#witness, { delivery, row, body, others: this.deliveries });
    if (delivery.crashed) this.#witness.reached.note('a batch was sent again after a crash');
  }

  /** What a batch under way carries; null: it is none. */
  membersOf({ attempt }: OpenExchange): readonly string[] | null {
    return this.deliveries.get(attempt.deliveryId)?.members ?? null;
  }

  #exchange(attempt: AttemptFacts, request: OutgoingRequest, exchange: ExchangeFacts): OpenExchange {
    const delivery = this.deliveries.get(attempt.deliveryId);
    attempt.exchanges.push(exchange);
    attempt.state = 'open';
    if (delivery !== undefined) checkExchange(this.#witness, { attempt, delivery, exchange, request });
    this.#pace.sent(attempt);
    const by = this.#witness.disk.isShared ? ` by ${attempt.node}` : '';
    this.#trace(`sent ${attempt.isTest ? 'test' : attempt.deliveryId} ${attempt.number} ${exchange.scheme}${by}`);
    return { attempt, exchange };
  }

  #unknown(what: string): null {
    this.#witness.breach(what);
    return null;
  }

  /** The answer reaches the engine. */
  answered({ attempt, exchange }: OpenExchange, result: ExchangeResult): void {
    exchange.result = result;
    if (attempt.isOrphan) {
      this.#answeredOrphan(attempt, result);
      return;
    }
    const isRefusal = result.kind === 'answered' && [400, 401, 403].includes(result.status);
    const offersMore = attempt.versions.some(({ config }) => config.signature_scheme === 'auto');
    const goesOn = isRefusal && offersMore && attempt.exchanges.length < 2;
    this.#trace(
      `answered ${attempt.isTest ? 'test' : attempt.deliveryId} ${result.kind === 'answered' ? result.status : result.failure}`,
    );
    if (goesOn) attempt.state = 'between';
    else this.#land(attempt, result);
  }

  #answeredOrphan(attempt: AttemptFacts, result: ExchangeResult): void {
    const delivery = this.deliveries.get(attempt.deliveryId);
    const isSuccess = result.kind === 'answered' && result.status < 300;
    this.#trace(`answered ${attempt.deliveryId} to ${attempt.node}, which has its lane no more`);
    if (delivery !== undefined && isSuccess) this.#taken(delivery, result, { wasTaken: true });
  }

  #land(attempt: AttemptFacts, result: ExchangeResult): void {
    attempt.state = 'landed';
    const { webhook, destination, isTest } = attempt;
    webhook.landedAt = this.#witness.time.now;
    const isSuccess = result.kind === 'answered' && result.status < 300;
    const delivery = this.deliveries.get(attempt.deliveryId);
    if (delivery !== undefined && isSuccess) this.#taken(delivery, result);
    const waitMs = retryAfterMs(result, this.#witness.time.now);
    if (waitMs !== null) destination.asked(waitMs);
    if (isTest) {
      // A test that fails counts against nobody; one that succeeds is as good as a probe.
      if (isSuccess && destination.circuit.state === 'open') this.#witness.reached.note('a test closed a circuit');
      if (isSuccess) {
        destination.landed({ isProbe: true, startedAt: attempt.startedAt }, result);
        this.#tellOfTrouble(attempt, result);
      }
      webhook.attempts.delete(attempt);
      this.#inTheAir.delete(keyOf(attempt.node, attempt.deliveryId));
      if (delivery !== undefined) delivery.attempt = null;
      return;
    }
    destination.landed(attempt, result);
    this.#tellOfTrouble(attempt, result);
    const isPresent = this.destinationOf(webhook) === destination;
    const isGone = (result.kind === 'answered' && result.status === 410) || destination.isHopeless();
    // One that was on its way when a person resumed the webhook may be overlooked: the next one says the same.
    const isSince = !webhook.changing && webhook.changedUntil < attempt.startedAt;
    if (isGone && evidenceOf(result) !== 'own' && isPresent && isSince) destination.isGivenUp = true;
  }

  #taken(
    delivery: DeliveryFacts,
    result: ExchangeResult,
    marks: Partial<DeliveryFacts> = { taken: true, wasTaken: true },
  ): void {
    const { members, isReplay } = delivery;
    const meaning = meaningOf(result, members);
    if (meaning === 'unclear') return;
    const failed = typeof meaning === 'object' ? meaning.failed : [];
    const through = isReplay ? [] : (members ?? []).filter((id) => !failed.includes(id));
    for (const each of [delivery, ...through.map((id) => this.deliveries.get(id))]) {
      if (each !== undefined) Object.assign(each, marks);
    }
    if (members !== null) this.#witness.reached.note('a batch delivered');
  }

  #tellOfTrouble({ webhook, destination }: AttemptFacts, result: ExchangeResult): void {
    const isPresent = this.destinationsOf(webhook).includes(destination);
    webhook.trouble.landed(evidenceOf(result) === 'own', isPresent && !this.#isChanging(webhook));
  }

  /** A test of the webhook is over: if the other signature was not offered until now, it will not be. */
  testEnded(webhook: WebhookFacts): void {
    for (const attempt of webhook.attempts) {
      if (!attempt.isTest || attempt.state !== 'between') continue;
      webhook.attempts.delete(attempt);
      const delivery = this.deliveries.get(attempt.deliveryId);
      if (delivery) delivery.attempt = null;
    }
  }

  /** The engine of a process hands an outcome to the store. */
  settling(settlement: Settlement, node: string): void {
    const { id } = settlement.delivery;
    const delivery = this.deliveries.get(id);
    const attempt = this.#inTheAir.get(keyOf(node, id));
    const last = attempt?.exchanges.at(-1)?.result;
    if (delivery === undefined || attempt === undefined || !last) {
      this.#witness.breach(`${id} was settled without an attempt`);
      return;
    }
    // Once more, because the disk could not take it: it is the same outcome.
    if (attempt.outcome === settlement) return;
    attempt.outcome = settlement;
    if (attempt.isOrphan) {
      delivery.overtaken = true;
      attempt.isLate = this.#ownerOf(attempt.webhook) !== node;
      return;
    }
    const cutShort = attempt.state === 'between';
    if (cutShort) this.#land(attempt, last);
    const { members, isReplay } = delivery;
    // Its row may not be what this attempt was made of.
    if (!delivery.overtaken)
      checkSettlement(this.#witness, { settlement, attempt, members, cutShort, row: this.rowOf(delivery) });
    for (const successor of settlement.successors ?? []) {
      this.#addBatch(successor.id, delivery.webhook, { isReplay }).members = successor.members;
    }
    if (settlement.disable !== undefined) attempt.webhook.disabling += 1;
    this.#trace(`settling ${id} ${JSON.stringify(settlement.next)}`);
  }

  /** It is on disk. @param outcome.written false: the delivery was not where it was read, or its lane is another node's */
  settled(settlement: Settlement, { written, node }: { written: boolean; node: string }): void {
    const {
      delivery: { id },
      disable,
      successors = [],
    } = settlement;
    const delivery = this.deliveries.get(id);
    const attempt = this.#inTheAir.get(keyOf(node, id));
    this.#inTheAir.delete(keyOf(node, id));
    if (delivery === undefined || attempt === undefined) return;
    for (const successor of written ? successors : []) {
      const facts = this.#addBatch(successor.id, delivery.webhook, delivery);
      Object.assign(facts, { members: successor.members, acknowledgedAt: this.#witness.time.now });
    }
    if (attempt.isOrphan) {
      this.#orphanSettled(attempt, delivery, written);
      return;
    }
    if (!written && !delivery.overtaken)
      this.#witness.breach(`${id} was not where it had been read, and its lane has one owner`);
    const { webhook } = attempt;
    if (!written) {
      // What a former owner had on its way came first: nobody knows what this attempt came to.
      delivery.crashed = true;
      this.#forgetTaken((each) => each.webhook === webhook);
    }
    webhook.attempts.delete(attempt);
    if (disable !== undefined) this.#disabled(webhook);
    delivery.attempt = null;
    this.#runs.changed(this.rowOf(delivery));
    if (webhook.restarting && [...webhook.attempts].every(({ isTest }) => isTest)) this.begunAnew(webhook);
  }

  /** An outcome that came after its lane was taken from its node. */
  #orphanSettled({ node, webhook, isLate }: AttemptFacts, delivery: DeliveryFacts, written: boolean): void {
    if (written && isLate && this.#ownerOf(webhook) !== node)
      this.#witness.breach(`an outcome of ${delivery.id} was written by ${node}, which had lost its lane before`);
    this.#trace(`${delivery.id} settled by ${node}, which has its lane no more: ${written}`);
    if (!written) {
      this.#witness.reached.note('an outcome was fenced off');
      const isWritten = [...this.#inTheAir.values()].some(
        (one) => one.isOrphan && one.outcome?.delivery.id === delivery.id,
      );
      delivery.overtaken = isWritten;
      return;
    }
    this.#witness.reached.note('an outcome of a node that lapsed was written as another one took its lane');
    webhook.muddled = true;
    this.#runs.changed(this.rowOf(delivery));
  }

  /** By the database; null: nobody. */
  #ownerOf({ lane }: WebhookFacts): string | null {
    return this.#witness.disk.shards[shardOf(lane)] ?? null;
  }

  /** A person who resumes a webhook has the last word about all that was answered before. */
  #disabled(webhook: WebhookFacts): void {
    webhook.disabling -= 1;
    const { workspaceId, webhookId } = webhook.lane;
    const hold = this.#witness.disk.holds.get(keyOf(workspaceId, webhookId))?.hold;
    if (hold == null || hold.disabledAt === null || hold.disabledAt > hold.resumedAt) return;
    this.#witness.breach(`${webhook.host} was disabled by an answer from before it was resumed`);
  }

  /** All that a process knew is gone: what counts is on the disk. */
  crashed(): void {
    for (const delivery of this.deliveries.values()) {
      if (delivery.attempt !== null) delivery.crashed = true;
      delivery.attempt = null;
      delivery.taken = this.fateOf(delivery) === 'delivered';
    }
    this.#inTheAir.clear();
    this.#pace.forget([...this.webhooks.values()]);
    this.#fairness.crashed();
    this.#runs.crashed();
    for (const webhook of this.webhooks.values()) {
      const { now: changedUntil } = this.#witness.time;
      Object.assign(webhook, { isAway: false, changing: false, changingAt: null, disabling: 0, changedUntil });
      webhook.attempts.clear();
      webhook.destinations.clear();
      webhook.trouble = new TroubleOracle(this.#witness);
    }
  }

  /** Its lane was another process's, or lapsed, and is begun anew: what counts is on the disk. */
  begunAnew(webhook: WebhookFacts): void {
    const { now } = this.#witness.time;
    const muddled = [...webhook.attempts].some(({ isTest }) => isTest);
    Object.assign(webhook, {
      isAway: false,
      restarting: false,
      muddled,
      changedUntil: Math.max(webhook.changedUntil, now),
    });
    webhook.destinations.clear();
    webhook.trouble = new TroubleOracle(this.#witness);
    this.#fairness.crashed();
  }

  /** Another node has its lane from now on. What the one before has in the air is not known to it. */
  moved(webhook: WebhookFacts, to: string): void {
    const { now } = this.#witness.time;
    this.#trace(`${to} takes the lane of ${webhook.host}`);
    for (const attempt of webhook.attempts) {
      attempt.isOrphan = true;
      const delivery = this.deliveries.get(attempt.deliveryId);
      if (delivery !== undefined) Object.assign(delivery, { attempt: null, crashed: true });
      if (delivery !== undefined && attempt.outcome !== null) delivery.overtaken = true;
    }
    const isHeard = !webhook.changing && webhook.changedUntil <= now;
    this.begunAnew(webhook);
    webhook.attempts.clear();
    webhook.disabling = 0;
    webhook.isAway = true;
    this.#forgetTaken(({ webhook: of }) => of === webhook);
    if (webhook.changingAt === null) webhook.changing = false;
    if (!isHeard) webhook.changedUntil = now + HEARD_MS;
    this.#pace.forget([webhook]);
  }

  /** Its owner leaves it to whoever takes it. */
  givenUp(webhook: WebhookFacts, by: string): void {
    this.#trace(`${by} gives up the lane of ${webhook.host}`);
    webhook.isAway = true;
  }

  /** A process is gone, and others are there. */
  died(node: string): void {
    const dead = [...this.#inTheAir].filter(([, attempt]) => attempt.node === node);
    for (const [key, attempt] of dead) {
      this.#inTheAir.delete(key);
      attempt.webhook.attempts.delete(attempt);
      const delivery = this.deliveries.get(attempt.deliveryId);
      if (delivery?.attempt === attempt) Object.assign(delivery, { attempt: null, crashed: true });
    }
    this.#runs.crashed();
    this.#forgetTaken(({ crashed }) => crashed);
    for (const webhook of this.webhooks.values()) {
      if (webhook.changingAt !== node) continue;
      Object.assign(webhook, {
        changing: false,
        changingAt: null,
        changedUntil: this.#witness.time.now + HEARD_LATE_MS,
      });
    }
  }

  /** What only a process knew is known to nobody. */
  #forgetTaken(isMeant: (delivery: DeliveryFacts) => boolean): void {
    for (const delivery of this.deliveries.values()) {
      if (isMeant(delivery)) delivery.taken = this.fateOf(delivery) === 'delivered';
    }
  }

  /** Versions that a request may be made with: the latest, and the one before while a person is changing it. */
  #versions(webhook: WebhookFacts) {
    return versionsOf(this.#witness.disk, webhook.lane).slice(this.#isChanging(webhook) ? -2 : -1);
  }

  #isChanging({ changing, changedUntil }: WebhookFacts): boolean {
    return changing || changedUntil >= this.#witness.time.now;
  }

  #destination(webhook: WebhookFacts, url: string, secret: string): DestinationOracle {
    const key = `${url} ${secret}`;
    const known = webhook.destinations.get(key);
    if (known !== undefined) return known;
    const oracle = DestinationOracle.restore(webhook.lane, { url, value: this.#onDisk(webhook, url) }, this.#witness);
    webhook.destinations.set(key, oracle);
    return oracle;
  }

  #onDisk({ lane: { workspaceId, webhookId } }: WebhookFacts, url: string): Destination {
    return this.#witness.disk.destinations.get(keyOf(workspaceId, webhookId, url))?.value ?? UNKNOWN_DESTINATION;
  }
}

/** Where a version of a webhook leads a delivery; without a row, one that was not tried yet. */
function leadsTo({ config }: Webhook, row: DeliveryRow | undefined): string {
  return (row?.atFallback === true ? config.fallback_url : null) ?? config.url;
}
