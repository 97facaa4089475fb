import type { AttemptRecord } from './attempt.ts';
import type { FallbackUse } from './delivery.ts';
import type { WebhookConfig } from './webhook-config.ts';

/** One place that a webhook's deliveries go to. */
export interface Target {
  url: string;
  /** The own headers that are sent there. */
  headers: Readonly<Record<string, string>>;
  /** Id of the route; null: the webhook's own URL, or its fallback. */
  route: number | null;
  isFallback: boolean;
}

/** What is kept with a delivery of where it goes. */
export interface Direction {
  /** Id of the route that was decided on when its event was published; null: the webhook's own URL. */
  route: number | null;
  /** That was given up: it goes to the webhook's fallback. */
  atFallback: boolean;
}

/** To the webhook's own URL. */
export const OWN_DIRECTION: Direction = { route: null, atFallback: false };

type Targets = Pick<WebhookConfig, 'url' | 'headers' | 'routes' | 'fallback_url'>;

/**
 * Where a delivery goes. URL and headers are those of the present version. What waits for a route that was taken out since goes
 * to the webhook's own URL, and what waits for such a fallback where it went before. No own headers are sent to a fallback, so
 * that no credential goes to another host by accident.
 */
export function targetOf({ url, headers, routes, fallback_url }: Targets, { route, atFallback }: Direction): Target {
  if (atFallback && fallback_url !== null) return { url: fallback_url, headers: {}, route: null, isFallback: true };
  const found = route === null ? undefined : routes?.find(({ id }) => id === route);
  const isFallback = false;
  if (found === undefined) return { url, headers, route: null, isFallback };
  return { url: found.url, headers: found.headers, route, isFallback };
}

/** The direction of an attempt that was made with this configuration. A fallback is never the webhook's own URL. */
export function directionOf({ route, url }: Pick<AttemptRecord, 'route' | 'url'>, config: Targets): Direction {
  return { route, atFallback: route === null && url === config.fallback_url };
}

/** What a webhook's fallback means for a delivery that went to this target. To a route's URL it is not sent a second time. */
export function fallbackUse(
  { fallback_url }: Pick<Targets, 'fallback_url'>,
  { url, isFallback }: Target,
  { atFallback }: Pick<Direction, 'atFallback'>,
): FallbackUse {
  if (isFallback) return 'here';
  return atFallback || fallback_url === null || fallback_url === url ? 'none' : 'ahead';
}

/** The URLs of a webhook and of its routes, each once; its own first. */
export function ownUrls({ url, routes }: Pick<Targets, 'url' | 'routes'>): string[] {
  return [...new Set([url, ...(routes ?? []).map((route) => route.url)])];
}

/** Every URL that a webhook's deliveries may go to, each once; its own first, its fallback last. */
export function destinationUrls({ fallback_url, ...config }: Omit<Targets, 'headers'>): string[] {
  const fallback = fallback_url === null ? [] : [fallback_url];
  return [...new Set([...ownUrls(config), ...fallback])];
}
