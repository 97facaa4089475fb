import { type Direction, OWN_DIRECTION } from '../domain/target.ts';
import { UNKNOWN_DESTINATION, type Webhook } from '../domain/webhook.ts';
import type { LoadedLane } from '../store/store.ts';
import { createRequestTemplate, type RequestTemplate, type TemplateSettings } from './build-request.ts';
import { LaneDestination } from './lane-destination.ts';

/** How what goes one way is sent. */
export interface Way {
  template: RequestTemplate;
  destination: LaneDestination;
}

/**
 * Where a lane sends by the present version of its webhook: the ways, which are its own URL, one for each route and its fallback,
 * and the destinations that they lead to. Ways with the same URL share one.
 */
export class LaneWays {
  /** By id of the route; null: the webhook's own URL. */
  readonly #ways = new Map<number | null, Way>();
  readonly #fallback: Way | null;
  /** By URL; that of the webhook first, that of its fallback last. */
  readonly #destinations = new Map<string, LaneDestination>();

  /**
   * @param known.before the ways of a former version to the same receivers. What is learned goes to memory first: of these
   *   nothing newer can have been read
   * @param known.stored what is on disk, by URL
   */
  constructor(
    webhook: Webhook,
    settings: TemplateSettings,
    known: { before: LaneWays | null; stored: LoadedLane['destinations'] },
  ) {
    const lead = (direction: Direction): Way => {
      const template = createRequestTemplate(webhook, settings, direction);
      const { url } = template.target;
      const found = this.#destinations.get(url) ?? known.before?.at(url);
      const destination = found ?? new LaneDestination(known.stored.get(url) ?? UNKNOWN_DESTINATION);
      this.#destinations.set(url, destination);
      return { template, destination };
    };
    const { routes, fallback_url } = webhook.config;
    this.#ways.set(null, lead(OWN_DIRECTION));
    for (const { id: route } of routes ?? []) this.#ways.set(route, lead({ ...OWN_DIRECTION, route }));
    this.#fallback = fallback_url === null ? null : lead({ ...OWN_DIRECTION, atFallback: true });
  }

  /** What waits for a fallback that is gone goes where it went before, and what waits for such a route to the own URL. */
  of({ route, atFallback }: Direction): Way | undefined {
    const fallback = atFallback ? this.#fallback : null;
    return fallback ?? this.#ways.get(route) ?? this.#ways.get(null);
  }

  at(url: string): LaneDestination | null {
    return this.#destinations.get(url) ?? null;
  }

  get destinations(): Iterable<LaneDestination> {
    return this.#destinations.values();
  }

  get hasOneDestination(): boolean {
    return this.#destinations.size === 1;
  }

  /** The instant before which no destination is sent anything; 0, or any other that is past: one is. */
  waitsUntil(now: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const destination of this.destinations) first = Math.min(first, destination.waitsUntil(now));
    return first;
  }

  /** The webhook's own URL, or that of a route, is sent something now: what was not tried yet goes nowhere else. */
  takesFirst(now: number): boolean {
    for (const { destination } of this.#ways.values()) if (destination.takes(now)) return true;
    return false;
  }

  /** Nothing is sent anywhere but one probe at a time. */
  get isClosedOff(): boolean {
    for (const { isOpen } of this.destinations) if (!isOpen) return false;
    return true;
  }

  /** How many more attempts the circuit that lets most into the air does, and how many of all are in the air of their ramps. */
  get ramps(): { room: number; inRamp: number } {
    let [room, inRamp] = [0, 0];
    for (const destination of this.destinations) {
      inRamp += destination.inRamp;
      room = Math.max(room, destination.room);
    }
    return { room, inRamp };
  }

  /** Nothing was accepted anywhere for days. What the fallback does says nothing of the receivers that it stands in for. */
  isHopeless(now: number): boolean {
    return [...this.#ways.values()].every(({ destination }) => destination.isHopeless(now));
  }

  /** Forgetting what is known would change nothing. */
  isQuiet(now: number): boolean {
    return [...this.destinations].every((destination) => destination.isQuiet(now));
  }
}
