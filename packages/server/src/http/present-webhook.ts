import type { Circuit } from '../domain/circuit.ts';
import { type HeldReason, heldReasons, NO_HOLD } from '../domain/hold.ts';
import { destinationUrls } from '../domain/target.ts';
import { type Destination, UNKNOWN_DESTINATION, type Webhook } from '../domain/webhook.ts';
import { BODY_SCHEME_WARNING, type WebhookConfig } from '../domain/webhook-config.ts';
import type { Directory, KnownDestination, KnownHold } from '../store/store.ts';
import { presentInstant, presentOptionalInstant } from './instant.ts';
import { MASK } from './mask.ts';
import type { WebhookJson } from './webhook-schema.ts';

/** Fields that reads show and no one can set: whoever sends back what was read may leave them in. */
export const READ_ONLY_FIELDS = [
  'id',
  'version',
  'created_at',
  'updated_at',
  'deleted_at',
  'held_reasons',
  'paused_at',
  'disabled_at',
  'disabled_reason',
  'destinations',
  'read_token',
  'warnings',
] as const;

/** A webhook as the API shows it, its secret and the values of its own headers masked. */
export function presentWebhook(webhook: Webhook): WebhookJson {
  const { config } = webhook;
  return {
    id: webhook.id,
    version: webhook.version,
    ...config,
    metadata: { ...config.metadata },
    events: [...config.events],
    headers: masked(config.headers),
    routes: config.routes?.map((route) => ({ ...route, headers: masked(route.headers) })) ?? null,
    secret: MASK,
    created_at: presentInstant(webhook.createdAt),
    updated_at: presentInstant(webhook.updatedAt),
    deleted_at: presentOptionalInstant(webhook.deletedAt),
  };
}

/** What stops webhooks, and what was learned about their receivers; of any webhook and URL. */
export interface Standing {
  holds: readonly KnownHold[];
  destinations: readonly KnownDestination[];
}

/** Of one webhook, or of a whole workspace. */
export async function readStanding(
  store: Pick<Directory, 'listHolds' | 'listDestinations'>,
  workspaceId: string,
  webhookId?: string,
): Promise<Standing> {
  const [holds, destinations] = await Promise.all([
    store.listHolds(workspaceId, webhookId),
    store.listDestinations(workspaceId, webhookId),
  ]);
  return { holds, destinations };
}

/** Why nothing is sent to one of a webhook's URLs; empty: it is. */
export function heldReasonsOf(webhook: Webhook, url: string, standing: Standing): HeldReason[] {
  const hold = standing.holds.find(({ webhookId }) => webhookId === webhook.id) ?? NO_HOLD;
  return heldReasons(webhook.config, hold, destinationAt(webhook, url, standing));
}

function destinationAt({ id }: Webhook, url: string, { destinations }: Standing): Destination {
  return destinations.find((one) => one.webhookId === id && one.url === url) ?? UNKNOWN_DESTINATION;
}

/**
 * A webhook with what was learned about its receivers, that of its own URL first, and with what stops it.
 * @param warnings about what was just saved
 */
export function presentWithDestination(
  webhook: Webhook,
  { standing, now, warnings = [] }: { standing: Standing; now: number; warnings?: readonly string[] },
): WebhookJson {
  const hold = standing.holds.find((one) => one.webhookId === webhook.id) ?? NO_HOLD;
  const destinations = destinationUrls(webhook.config).map((url) =>
    presentDestination(url, destinationAt(webhook, url, standing), { wanted: webhook.config.signature_scheme, now }),
  );
  const replayable = destinations.some((destination) => destination.signature_scheme === 'body');
  return {
    ...presentWebhook(webhook),
    held_reasons: heldReasonsOf(webhook, webhook.config.url, standing),
    paused_at: presentOptionalInstant(hold.pausedAt),
    disabled_at: presentOptionalInstant(hold.disabledAt),
    disabled_reason: hold.disabledReason,
    destinations,
    warnings: [...new Set(replayable ? [...warnings, BODY_SCHEME_WARNING] : warnings)],
  };
}

function presentDestination(
  url: string,
  destination: Destination,
  { wanted, now }: { wanted: WebhookConfig['signature_scheme']; now: number },
) {
  const learned = wanted === 'auto' && destination.scheme !== null ? destination : null;
  return {
    url,
    signature_scheme: wanted === 'auto' ? (learned?.scheme ?? null) : wanted,
    scheme_learned_at: presentOptionalInstant(learned?.schemeLearnedAt ?? null),
    waits_until: presentOptionalInstant(destination.notBefore > now ? destination.notBefore : null),
    circuit: presentCircuit(destination.circuit),
    failing_since: presentOptionalInstant(destination.failing?.since ?? null),
  };
}

function presentCircuit(circuit: Circuit) {
  return {
    state: circuit.state,
    since: presentOptionalInstant(circuit.state === 'closed' ? null : circuit.since),
    next_probe_at: presentOptionalInstant(circuit.state === 'open' ? circuit.nextProbeAt : null),
  };
}

function masked(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, MASK]));
}

/** The strong entity tag of a webhook (RFC 9110): its version. */
export function etagOf(webhook: Pick<Webhook, 'version'>): string {
  return `"${webhook.version}"`;
}
