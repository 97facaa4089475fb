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
    headers: Object.fromEntries(Object.keys(config.headers).map((name) => [name, MASK])),
    secret: MASK,
    created_at: presentInstant(webhook.createdAt),
    updated_at: presentInstant(webhook.updatedAt),
    deleted_at: presentOptionalInstant(webhook.deletedAt),
  };
}

/**
 * A webhook with what was learned about its receiver.
 * @param known of any webhook and URL
 * @param warnings about what was just saved
 */
export function presentWithDestination(
  webhook: Webhook,
  { known, now, warnings = [] }: { known: readonly KnownDestination[]; now: number; warnings?: readonly string[] },
): WebhookJson {
  const { url, signature_scheme: wanted } = webhook.config;
  const destination = known.find((one) => one.webhookId === webhook.id && one.url === url);
  const learned = wanted === 'auto' && destination?.scheme ? destination : null;
  const scheme = wanted === 'auto' ? (learned?.scheme ?? null) : wanted;
  const waits = destination !== undefined && destination.notBefore > now;
  return {
    ...presentWebhook(webhook),
    destinations: [
      {
        url,
        signature_scheme: scheme,
        scheme_learned_at: presentOptionalInstant(learned?.schemeLearnedAt ?? null),
        waits_until: presentOptionalInstant(waits ? destination.notBefore : null),
      },
    ],
    warnings: [...new Set(scheme === 'body' ? [...warnings, BODY_SCHEME_WARNING] : warnings)],
  };
}

/** The strong entity tag of a webhook (RFC 9110): its version. */
export function etagOf(webhook: Pick<Webhook, 'version'>): string {
  return `"${webhook.version}"`;
}
