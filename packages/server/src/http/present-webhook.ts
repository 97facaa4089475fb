import type { Circuit } from '../domain/circuit.ts';
import { type HeldReason, heldReasons, NO_HOLD } from '../domain/hold.ts';
import { UNKNOWN_DESTINATION, type Webhook } from '../domain/webhook.ts';
import { BODY_SCHEME_WARNING } from '../domain/webhook-config.ts';
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
    headers: Object.fromEntries(Object.keys(config.headers).map((name) => [name, MASK])),
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

/** Why nothing of a webhook is sent; empty: it is. */
export function heldReasonsOf({ id, config }: Webhook, { holds, destinations }: Standing): HeldReason[] {
  const hold = holds.find(({ webhookId }) => webhookId === id) ?? NO_HOLD;
  const destination = destinations.find(({ webhookId, url }) => webhookId === id && url === config.url);
  return heldReasons(config, hold, destination ?? UNKNOWN_DESTINATION);
}

/**
 * A webhook with what was learned about its receiver, and with what stops it.
 * @param warnings about what was just saved
 */
export function presentWithDestination(
  webhook: Webhook,
  { standing, now, warnings = [] }: { standing: Standing; now: number; warnings?: readonly string[] },
): WebhookJson {
  const { url, signature_scheme: wanted } = webhook.config;
  const hold = standing.holds.find((one) => one.webhookId === webhook.id) ?? NO_HOLD;
  const destination =
    standing.destinations.find((one) => one.webhookId === webhook.id && one.url === url) ?? UNKNOWN_DESTINATION;
  const learned = wanted === 'auto' && destination.scheme !== null ? destination : null;
  const scheme = wanted === 'auto' ? (learned?.scheme ?? null) : wanted;
  const waits = destination.notBefore > now;
  return {
    ...presentWebhook(webhook),
    held_reasons: heldReasons(webhook.config, hold, destination),
    paused_at: presentOptionalInstant(hold.pausedAt),
    disabled_at: presentOptionalInstant(hold.disabledAt),
    disabled_reason: hold.disabledReason,
    destinations: [
      {
        url,
        signature_scheme: scheme,
        scheme_learned_at: presentOptionalInstant(learned?.schemeLearnedAt ?? null),
        waits_until: presentOptionalInstant(waits ? destination.notBefore : null),
        circuit: presentCircuit(destination.circuit),
        failing_since: presentOptionalInstant(destination.failing?.since ?? null),
      },
    ],
    warnings: [...new Set(scheme === 'body' ? [...warnings, BODY_SCHEME_WARNING] : warnings)],
  };
}

function presentCircuit(circuit: Circuit) {
  return {
    state: circuit.state,
    since: presentOptionalInstant(circuit.state === 'closed' ? null : circuit.since),
    next_probe_at: presentOptionalInstant(circuit.state === 'open' ? circuit.nextProbeAt : null),
  };
}

/** The strong entity tag of a webhook (RFC 9110): its version. */
export function etagOf(webhook: Pick<Webhook, 'version'>): string {
  return `"${webhook.version}"`;
}
