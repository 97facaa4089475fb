import type { OutgoingRequest } from '../../deliver/send-request.ts';
import { DELIVERY_CLASS } from '../../domain/delivery.ts';
import { type AttemptFacts, type DeliveryFacts, type ExchangeFacts, requestsInTheAir } from './facts.ts';
import { type DeliveryRow, keyOf } from './store/disk.ts';
import { versionsOf } from './store/memory-directory.ts';
import type { Witness } from './witness.ts';

/** Sent to the webhook's own URL, and to nobody else. */
export const OWN_HEADER = 'X-Credential';

/** An attempt begins: may it? */
export function checkStart(
  witness: Witness,
  start: { attempt: AttemptFacts; delivery: DeliveryFacts; row: DeliveryRow | undefined; request: OutgoingRequest },
): void {
  const { attempt, delivery, row, request } = start;
  const { disk, time } = witness;
  const { webhook, versions } = attempt;
  const breach = (what: string) => witness.breach(`${delivery.id} was sent ${what}`);
  if (row === undefined) {
    breach('without a row');
    return;
  }
  if (delivery.refused) breach('although its publishing was refused');
  if (delivery.taken) breach('again after it was delivered');
  if (row.createdIn > disk.journal.synced) breach('before it was on disk');
  if (!delivery.overtaken) checkPlace(witness, start, row);
  if (row.atFallback && row.class !== DELIVERY_CLASS.retry) breach('to the fallback before it was given up elsewhere');
  const allowed = Math.max(...versionsOf(disk, webhook.lane).map(({ config }) => attemptsAllowed(config.retry_policy)));
  const charged = row.attempts - row.seriesFrom;
  if (charged >= allowed) breach(`after all ${allowed} attempts of its series`);
  const slots = Math.max(...versions.map(({ config }) => config.max_concurrency));
  const inTheAir = requestsInTheAir(webhook).length;
  if (inTheAir >= slots) breach(`as one of ${inTheAir + 1} in the air, where ${slots} may be`);
  if (inTheAir + 1 === slots) witness.reached.note('all slots were taken');
  const timeoutMs = Math.max(...versions.map(({ config }) => config.timeout)) * 1000;
  const givenMs = request.deadline - time.elapsed;
  if (givenMs > timeoutMs) breach(`with ${givenMs} ms to answer, where ${timeoutMs} were agreed`);
  if (row.atFallback)
    witness.reached.note(
      attempt.isFallback
        ? 'a delivery went to the fallback'
        : 'a delivery whose fallback was taken out went to its own URL',
    );
  if (delivery.crashed) witness.reached.note('a delivery was sent again after a crash');
  if (webhook.changing || webhook.changedUntil >= time.now) return;
  const { config, deletedAt } = versionsOf(disk, webhook.lane).at(-1) ?? {};
  const hold = disk.holds.get(keyOf(webhook.lane.workspaceId, webhook.lane.webhookId))?.hold;
  if (deletedAt !== null) breach('to a webhook that was deleted');
  if (config?.active === false) breach('to a webhook that is inactive');
  if (hold?.pausedAt != null) breach('to a webhook that is paused');
  if (hold?.disabledAt != null) breach('to a webhook that is disabled');
}

/** It waits, and its turn has come. */
function checkPlace(
  { time, breach }: Witness,
  { attempt, delivery: { id } }: { attempt: AttemptFacts; delivery: DeliveryFacts },
  row: DeliveryRow,
): void {
  if (row.state !== 'pending') breach(`${id} was sent although it is ${row.state}`);
  if (row.dueAt !== null && row.dueAt > time.now) breach(`${id} was sent ${row.dueAt - time.now} ms before it was due`);
  if (attempt.number !== row.attempts + 1) breach(`${id} was sent as attempt ${attempt.number} after ${row.attempts}`);
}

/** A request leaves: is it what the rules say? */
export function checkExchange(
  witness: Witness,
  sent: { attempt: AttemptFacts; delivery: DeliveryFacts; exchange: ExchangeFacts; request: OutgoingRequest },
): void {
  const { attempt, delivery, exchange, request } = sent;
  const { exchanges, versions, startedAt } = attempt;
  const { now } = witness.time;
  const breach = (what: string) => witness.breach(`${delivery.id} was sent ${what}`);
  delivery.body ??= request.body;
  if (delivery.body !== request.body) breach('with other bytes than before');
  checkPayload(witness, sent);
  const schemes = new Set(exchanges.map(({ scheme }) => scheme));
  if (schemes.size < exchanges.length) breach(`twice signed as ${exchange.scheme} in one attempt`);
  const fixed = versions.map(({ config }) => config.signature_scheme);
  if (!fixed.some((scheme) => scheme === 'auto' || scheme === exchange.scheme)) breach(`signed as ${exchange.scheme}`);
  if (exchanges.length > 1) witness.reached.note('the other signature was offered');
  const timeoutMs = Math.max(...versions.map(({ config }) => config.timeout)) * 1000;
  if (now - startedAt > timeoutMs) breach(`${now - startedAt} ms after its attempt began, of ${timeoutMs}`);
  const isOwnHeaderSent = request.headers.includes(OWN_HEADER);
  if (isOwnHeaderSent === attempt.isFallback)
    breach(`${attempt.isFallback ? 'with' : 'without'} the headers of its own URL`);
  const signedAt = Number(request.headers[request.headers.findIndex((name) => /-timestamp$/i.test(name)) + 1]);
  if (signedAt !== Math.floor(now / 1000)) breach('with the time of another exchange');
  checkFirstScheme(witness, attempt);
}

/** Its body carries what was decided when its event was published: all that an event of a simulation tells is its `n`. */
function checkPayload(
  { disk, reached, breach }: Witness,
  { attempt, delivery, request }: { attempt: AttemptFacts; delivery: DeliveryFacts; request: OutgoingRequest },
): void {
  // Of a batch it is looked at member by member.
  if (delivery.members !== null) return;
  const { data } = JSON.parse(request.body) as { data: Record<string, unknown> };
  const carried = 'n' in data ? 'full' : 'thin';
  const decided = delivery.payload === null ? attempt.versions.map(({ config }) => config.payload) : [delivery.payload];
  if (!decided.includes(carried))
    breach(`${delivery.id} was sent ${carried}, where ${decided.join(' or ')} was decided`);
  if (!attempt.isTest && data['workflow_id'] !== 'wf') breach(`${delivery.id} was sent without its identifiers`);
  const asksFor = versionsOf(disk, attempt.webhook.lane).at(-1)?.config.payload;
  if (delivery.payload !== null && delivery.payload !== asksFor)
    reached.note('a delivery kept its payload over a change');
}

/** What the receiver took last is offered first. */
function checkFirstScheme({ disk, reached, time, breach }: Witness, attempt: AttemptFacts): void {
  const { webhook, versions, exchanges, destination, deliveryId, isTest } = attempt;
  const { workspaceId, webhookId } = webhook.lane;
  const known = disk.destinations.get(keyOf(workspaceId, webhookId, destination.url))?.value;
  const isRemembered = known?.scheme === 'body' && time.now - known.schemeLearnedAt < 24 * 3600 * 1000;
  const isPlain = versions.every(({ config }) => config.signature_scheme === 'auto' && config.rate_limit === null);
  if (exchanges.length !== 1 || !isRemembered || !isPlain || isTest) return;
  if (webhook.changing || webhook.changedUntil >= time.now || webhook.muddled) return;
  reached.note('the remembered signature came first');
  if (exchanges[0]?.scheme !== 'body')
    breach(`${deliveryId} was sent with the signature that its receiver does not check`);
}

export function attemptsAllowed(policy: {
  schedule: readonly number[] | 'extended' | null;
  max_retries: number;
}): number {
  if (policy.schedule === 'extended') return 8;
  return (policy.schedule?.length ?? policy.max_retries) + 1;
}
