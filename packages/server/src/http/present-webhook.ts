import { destinationUrls } from '../domain/target.ts';
import type { Webhook } from '../domain/webhook.ts';
import { BODY_SCHEME_WARNING } from '../domain/webhook-config.ts';
import type { KnownDestination } from '../store/store.ts';
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
    headers: masked(config.headers),
    routes: config.routes?.map((route) => ({ ...route, headers: masked(route.headers) })) ?? null,
    secret: MASK,
    created_at: presentInstant(webhook.createdAt),
    updated_at: presentInstant(webhook.updatedAt),
    deleted_at: presentOptionalInstant(webhook.deletedAt),
  };
}

/**
 * A webhook with what was learned about its receivers, that of its own URL first.
 * @param known of any webhook and URL
 * @param warnings about what was just saved
 */
export function presentWithDestination(
  webhook: Webhook,
  { known, now, warnings = [] }: { known: readonly KnownDestination[]; now: number; warnings?: readonly string[] },
): WebhookJson {
  const wanted = webhook.config.signature_scheme;
  const destinations = destinationUrls(webhook.config).map((url) => {
    const destination = known.find((one) => one.webhookId === webhook.id && one.url === url);
    const learned = wanted === 'auto' && destination?.scheme ? destination : null;
    const waits = destination !== undefined && destination.notBefore > now;
    return {
      url,
      signature_scheme: wanted === 'auto' ? (learned?.scheme ?? null) : wanted,
      scheme_learned_at: presentOptionalInstant(learned?.schemeLearnedAt ?? null),
      waits_until: presentOptionalInstant(waits ? destination.notBefore : null),
    };
  });
  const replayable = destinations.some((destination) => destination.signature_scheme === 'body');
  return {
    ...presentWebhook(webhook),
    destinations,
    warnings: [...new Set(replayable ? [...warnings, BODY_SCHEME_WARNING] : warnings)],
  };
}

function masked(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, MASK]));
}

/** The strong entity tag of a webhook (RFC 9110): its version. */
export function etagOf(webhook: Pick<Webhook, 'version'>): string {
  return `"${webhook.version}"`;
}
