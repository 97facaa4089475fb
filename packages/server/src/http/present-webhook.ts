import type { Webhook } from '../domain/webhook.ts';
import { presentInstant, presentOptionalInstant } from './instant.ts';
import { MASK } from './mask.ts';
import type { WebhookJson } from './webhook-schema.ts';

/** Fields that reads show and no one can set: whoever sends back what was read may leave them in. */
export const READ_ONLY_FIELDS = ['id', 'version', 'created_at', 'updated_at', 'deleted_at', 'warnings'] as const;

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

/** The strong entity tag of a webhook (RFC 9110): its version. */
export function etagOf(webhook: Pick<Webhook, 'version'>): string {
  return `"${webhook.version}"`;
}
