import type { OutgoingRequest } from '../../deliver/send-request.ts';
import type { ExchangeResult } from '../../domain/attempt.ts';
import type { PayloadKind } from '../../domain/delivery.ts';
import type { Destination, Lane, Webhook } from '../../domain/webhook.ts';
import { UNKNOWN_DESTINATION } from '../../domain/webhook.ts';
import type { NewBatch, Settlement } from '../../store/store.ts';
import { batchDataIn, checkCarried, checkForming, meaningOf } from './batch-check.ts';
import { checkSettlement, retryAfterMs } from './check-settlement.ts';
import { checkExchange, checkStart } from './check-start.ts';
import { DestinationOracle, evidenceOf } from './destination-oracle.ts';
import type { AttemptFacts, DeliveryFacts, ExchangeFacts, WebhookFacts } from './facts.ts';
import type { FairnessCheck } from './fairness-check.ts';
import type { PaceCheck } from './pace-check.ts';
import { signedText } from './receivers.ts';
import type { RunCheck } from './run-check.ts';
import { type DeliveryRow, keyOf } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import { TroubleOracle } from './trouble-oracle.ts';
import type { Witness } from './witness.ts';

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
    const webhook: WebhookFacts = {
      ...{
        lane,
        host,
        isAway: false,
        changing: false,
        changedFrom: 0,
        changedUntil: 0,
        startedAt: 0,
        landedAt: 0,
        disabling: 0,
      },
      attempts: new Set(),
      destinations: new Map(),
      trouble: new TroubleOracle(this.#witness),
    };
    this.webhooks.set(lane.webhookId, webhook);
    return webhook;
  }

  addDelivery(id: string, webhook: WebhookFacts, payload: PayloadKind | null): DeliveryFacts {
    const marks = { acknowledgedAt: null, refused: false, taken: false, wasTaken: false, crashed: false };
    const batch = { members: null, isReplay: false };
    const delivery: DeliveryFacts = { id, webhook, payload, ...batch, body: null, attempt: null, ...marks };
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

  /** A request leaves. */
  sent(request: OutgoingRequest): OpenExchange | null {
    const headers = headersOf(request.headers);
    const header = (name: string) => headers.get(name) ?? '';
    const webhook = this.webhooks.get(header('x-broxi-webhook-id'));
    const deliveryId = header('x-broxi-delivery-id');
    const isTest = header('x-broxi-event') === 'webhook.test';
    if (webhook === undefined) return this.#unknown(`a request of no webhook was sent`);
    let delivery = this.deliveries.get(deliveryId);
    if (delivery === undefined && isTest) delivery = this.addDelivery(deliveryId, webhook, null);
    if (delivery === undefined) return this.#unknown(`${deliveryId} was sent, which nobody published`);
    const { body } = request;
    const signed = { body, timestamp: header('x-broxi-timestamp'), signature: header('x-broxi-signature') };
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
    if (delivery.attempt?.state === 'between' && delivery.attempt.number === Number(header('x-broxi-attempt'))) {
      return this.#exchange(delivery.attempt, request, exchange);
    }
    const attempt: AttemptFacts = {
      ...{ deliveryId, webhook, isTest, exchanges: [], state: 'open', outcome: null },
      class: row?.class ?? 0,
      number: Number(header('x-broxi-attempt')),
      startedAt: exchange.sentAt,
      isProbe: false,
      versions: versions.filter(({ secret }) => secret === version.secret),
      destination: this.#destination(webhook, request.url.href, version.secret),
      isFallback: version.config.url !== request.url.href,
    };
    if (header('x-broxi-event') === 'webhook.batch') this.#readBatch(delivery, body);
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
      destination.started(deliveryId, { others, isChanging: this.#isChanging(webhook) });
      webhook.trouble.started(deliveryId);
      const own = attempt.isFallback ? this.destinationOf(webhook) : destination;
      if (own?.isGivenUp) this.#witness.breach(`${deliveryId} was sent after its webhook was disabled`);
    }
    delivery.attempt = attempt;
    webhook.attempts.add(attempt);
    webhook.startedAt = exchange.sentAt;
    return this.#exchange(attempt, request, exchange);
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
    this.#trace(`sent ${attempt.isTest ? 'test' : attempt.deliveryId} ${attempt.number} ${exchange.scheme}`);
    return { attempt, exchange };
  }

  #unknown(what: string): null {
    this.#witness.breach(what);
    return null;
  }

  /** The answer reaches the engine. */
  answered({ attempt, exchange }: OpenExchange, result: ExchangeResult): void {
    exchange.result = result;
    const isRefusal = result.kind === 'answered' && [400, 401, 403].includes(result.status);
    const offersMore = attempt.versions.some(({ config }) => config.signature_scheme === 'auto');
    const goesOn = isRefusal && offersMore && attempt.exchanges.length < 2;
    this.#trace(
      `answered ${attempt.isTest ? 'test' : attempt.deliveryId} ${result.kind === 'answered' ? result.status : result.failure}`,
    );
    if (goesOn) attempt.state = 'between';
    else this.#land(attempt, result);
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

  #taken(delivery: DeliveryFacts, result: ExchangeResult): void {
    const { members, isReplay } = delivery;
    const meaning = meaningOf(result, members);
    if (meaning === 'unclear') return;
    const failed = typeof meaning === 'object' ? meaning.failed : [];
    const through = isReplay ? [] : (members ?? []).filter((id) => !failed.includes(id));
    for (const each of [delivery, ...through.map((id) => this.deliveries.get(id))]) {
      if (each !== undefined) Object.assign(each, { taken: true, wasTaken: true });
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

  /** The engine hands an outcome to the store. */
  settling(settlement: Settlement): void {
    const { id } = settlement.delivery;
    const delivery = this.deliveries.get(id);
    const attempt = delivery?.attempt;
    const last = attempt?.exchanges.at(-1)?.result;
    if (delivery === undefined || !attempt || !last) {
      this.#witness.breach(`${id} was settled without an attempt`);
      return;
    }
    // Once more, because the disk could not take it: it is the same outcome.
    if (attempt.outcome === settlement) return;
    attempt.outcome = settlement;
    const cutShort = attempt.state === 'between';
    if (cutShort) this.#land(attempt, last);
    const { members, isReplay } = delivery;
    checkSettlement(this.#witness, { settlement, attempt, members, cutShort, row: this.rowOf(delivery) });
    for (const successor of settlement.successors ?? []) {
      this.#addBatch(successor.id, delivery.webhook, { isReplay }).members = successor.members;
    }
    if (settlement.disable !== undefined) attempt.webhook.disabling += 1;
    this.#trace(`settling ${id} ${JSON.stringify(settlement.next)}`);
  }

  /** It is on disk. @param written false: the delivery was not where it was read */
  settled({ delivery: { id }, disable, successors = [] }: Settlement, written: boolean): void {
    const delivery = this.deliveries.get(id);
    for (const successor of successors) {
      const facts = this.deliveries.get(successor.id);
      if (facts !== undefined && written) facts.acknowledgedAt = this.#witness.time.now;
    }
    if (!written) this.#witness.breach(`${id} was not where it had been read, and its lane has one owner`);
    if (delivery?.attempt) {
      delivery.attempt.webhook.attempts.delete(delivery.attempt);
      if (disable !== undefined) this.#disabled(delivery.attempt.webhook);
      delivery.attempt = null;
      this.#runs.changed(this.rowOf(delivery));
    }
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
    this.#pace.crashed();
    this.#fairness.crashed();
    this.#runs.crashed();
    for (const webhook of this.webhooks.values()) {
      Object.assign(webhook, { isAway: false, changing: false, disabling: 0, changedUntil: this.#witness.time.now });
      webhook.attempts.clear();
      webhook.destinations.clear();
      webhook.trouble = new TroubleOracle(this.#witness);
    }
  }

  /** Its lane was another process's, and is begun anew: what counts is on the disk. */
  cameBack(webhook: WebhookFacts): void {
    Object.assign(webhook, { isAway: false, changedUntil: this.#witness.time.now });
    webhook.destinations.clear();
    webhook.trouble = new TroubleOracle(this.#witness);
    this.#fairness.crashed();
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

function headersOf(flat: readonly string[]): Map<string, string> {
  const byName = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) byName.set((flat[i] ?? '').toLowerCase(), flat[i + 1] ?? '');
  return byName;
}
