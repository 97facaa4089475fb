import { InvalidOptionError } from './errors.ts';

/** The prefix that a deployment uses unless it is set up to ship under another name. */
export const defaultHeaderPrefix = 'X-Broxi-';

/** Names fixed by Standard Webhooks 1.0, whatever the prefix. */
export const standardHeaderNames = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
} as const;

/** The prefixed headers of a request. Names are in lower case: HTTP compares them without case, and HTTP/2 sends them so. */
export interface HeaderNames {
  event: string;
  eventId: string;
  webhookId: string;
  deliveryId: string;
  attempt: string;
  /** Unix seconds of this exchange. */
  timestamp: string;
  signature: string;
  /** Present while a rotated secret is still valid. */
  signaturePrevious: string;
}

/**
 * @param prefix `X-Broxi-` by default; letters, digits and dashes, with a dash at the end.
 * @throws InvalidOptionError for a prefix that makes no valid names, or the names of Standard Webhooks.
 */
export function headerNames(prefix: string = defaultHeaderPrefix): HeaderNames {
  if (typeof prefix !== 'string' || !/^[A-Za-z][A-Za-z0-9-]{0,62}-$/.test(prefix)) {
    throw new InvalidOptionError(
      'headerPrefix',
      'must be letters, digits and dashes, starting with a letter and ending with a dash, such as X-Broxi-',
    );
  }
  const lower = prefix.toLowerCase();
  if (lower === 'webhook-') {
    throw new InvalidOptionError('headerPrefix', 'must not be webhook-, whose names belong to Standard Webhooks');
  }
  return {
    event: `${lower}event`,
    eventId: `${lower}event-id`,
    webhookId: `${lower}webhook-id`,
    deliveryId: `${lower}delivery-id`,
    attempt: `${lower}attempt`,
    timestamp: `${lower}timestamp`,
    signature: `${lower}signature`,
    signaturePrevious: `${lower}signature-previous`,
  };
}
