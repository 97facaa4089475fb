import { headerNames } from '@broxi/receiver';
import { createSigner, type Signer } from '@broxi/receiver/node';
import type { SignatureScheme } from '../domain/attempt.ts';
import { deliveryBody } from '../domain/delivery-body.ts';
import { type Direction, OWN_DIRECTION, type Target, targetOf } from '../domain/target.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { QueuedDelivery } from '../store/store.ts';

/** What stays the same for every request to one target of one version of a webhook: made once, used for each. */
export interface RequestTemplate {
  target: Target;
  /** The target's. */
  url: URL;
  /** The body of a delivery; the same bytes at every attempt. */
  body(delivery: Pick<QueuedDelivery, 'id' | 'event' | 'payload'>): string;
  /** The headers of one exchange: name, value, name, value, … */
  headers(exchange: SignedExchange): string[];
}

export interface SignedExchange {
  delivery: Pick<QueuedDelivery, 'id' | 'event'>;
  body: string;
  attempt: number;
  scheme: SignatureScheme;
  /** Milliseconds since the epoch. */
  sentAt: number;
}

export interface TemplateSettings {
  headerPrefix: string;
  userAgent: string;
}

export function createRequestTemplate(
  webhook: Webhook,
  { headerPrefix, userAgent }: TemplateSettings,
  direction: Direction = OWN_DIRECTION,
): RequestTemplate {
  const target = targetOf(webhook.config, direction);
  const names = headerNames(headerPrefix);
  const signer: Signer = createSigner({ secrets: [webhook.secret], headerPrefix });
  const own = Object.entries(target.headers).flat();
  return {
    target,
    url: new URL(target.url),
    body: ({ id, event, payload }) => deliveryBody({ webhookId: webhook.id, deliveryId: id, event, payload }),
    headers({ delivery, body, attempt, scheme, sentAt }) {
      const signed = signer.signHeaders({
        deliveryId: delivery.id,
        timestamp: Math.floor(sentAt / 1000),
        body,
        scheme,
      });
      const headers = [
        'content-type',
        'application/json',
        'user-agent',
        userAgent,
        names.event,
        delivery.event.type,
        names.eventId,
        delivery.event.id,
        names.webhookId,
        webhook.id,
        names.deliveryId,
        delivery.id,
        names.attempt,
        String(attempt),
        'traceparent',
        traceparent(delivery.event.id, delivery.id),
      ];
      for (const name in signed) headers.push(name, signed[name] ?? '');
      for (const part of own) headers.push(part);
      return headers;
    },
  };
}

/**
 * W3C Trace Context: all deliveries of one event belong to one trace. Both ids are taken from ours, whose last 32 digits are
 * hexadecimal, so that the header can be shown later without having been kept.
 */
export function traceparent(eventId: string, deliveryId: string): string {
  return `00-${eventId.slice(-32)}-${deliveryId.slice(-16)}-01`;
}
