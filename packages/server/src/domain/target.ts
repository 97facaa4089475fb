import type { WebhookConfig } from './webhook-config.ts';

/** One place that a webhook's deliveries go to. */
export interface Target {
  url: string;
  /** The own headers that are sent there. */
  headers: Readonly<Record<string, string>>;
  /** Id of the route; null: the webhook's own URL. */
  route: number | null;
}

type Targets = Pick<WebhookConfig, 'url' | 'headers' | 'routes'>;

/**
 * Where a delivery goes that was given this route when its event was published. URL and headers are those of the present
 * version. What waits for a route that was taken out since goes to the webhook's own URL.
 */
export function targetOf({ url, headers, routes }: Targets, route: number | null): Target {
  const found = route === null ? undefined : routes?.find(({ id }) => id === route);
  return found === undefined ? { url, headers, route: null } : { url: found.url, headers: found.headers, route };
}

/** Every URL that a webhook's deliveries may go to, each once; its own first. */
export function destinationUrls({ url, routes }: Pick<Targets, 'url' | 'routes'>): string[] {
  return [...new Set([url, ...(routes ?? []).map((route) => route.url)])];
}
