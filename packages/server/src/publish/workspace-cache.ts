import { subscriptionMatches } from '@broxi/events/names';
import type { Clock } from '../clock.ts';
import { createMatcher, type Matcher } from '../domain/filter/matcher.ts';
import type { Webhook } from '../domain/webhook.ts';
import type { CustomEventType, Directory, WebhookChange, WorkspaceSnapshot } from '../store/store.ts';

/** What publishing needs to know of a workspace, at one revision. Do not change it: it is shared. */
export interface WorkspaceView {
  readonly revision: number;
  /** Webhooks that are not deleted, by id. */
  readonly webhooks: ReadonlyMap<string, Webhook>;
  /** Event types that the workspace registered, by name. */
  readonly eventTypes: ReadonlyMap<string, CustomEventType>;
  /** The webhooks that subscribe to a type, active or not. Costs what they are, not what the workspace has. */
  subscribersOf(type: string): readonly Subscriber[];
}

/** A webhook that subscribes to a type, and what it takes of it; null: everything, at its own URL. */
export interface Subscriber {
  readonly webhook: Webhook;
  readonly matcher: Matcher | null;
}

/** Reading again takes at most this share of the time, however much there is to read. */
const MOST_READING = 0.05;

/**
 * Keeps the configuration of workspaces in memory, so that publishing reads nothing. Changes of webhooks and event types go
 * through here, and whoever publishes after a change was answered is matched against it. Where other processes change them
 * too, what is older than `maxAgeMs` is read again.
 */
export class WorkspaceCache {
  readonly #directory: Directory;
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #views = new Map<string, Promise<WorkspaceView>>();
  /** On the monotonic clock, by workspace: from when on what is known of it is too old. */
  readonly #freshUntil = new Map<string, number>();

  /** @param options.maxAgeMs default: nobody else changes anything */
  constructor(
    directory: Directory,
    { clock, maxAgeMs = Number.POSITIVE_INFINITY }: { clock: Clock; maxAgeMs?: number },
  ) {
    this.#directory = directory;
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
  }

  get(workspaceId: string): Promise<WorkspaceView> {
    const known = this.#views.get(workspaceId);
    const startedAt = this.#clock.monotonic();
    if (known !== undefined && startedAt < (this.#freshUntil.get(workspaceId) ?? startedAt)) return known;
    this.#freshUntil.set(workspaceId, Number.POSITIVE_INFINITY);
    const loading = this.#directory.loadWorkspace(workspaceId).then((snapshot) => {
      const tookMs = this.#clock.monotonic() - startedAt;
      this.#freshUntil.set(workspaceId, startedAt + Math.max(this.#maxAgeMs, tookMs / MOST_READING));
      return viewOf(snapshot);
    });
    loading.catch(() => this.#forget(workspaceId, loading));
    this.#views.set(workspaceId, loading);
    return loading;
  }

  /** {@link Directory.putWebhook}, seen by the next publish. */
  async putWebhook(change: WebhookChange): Promise<Webhook> {
    const saved = await this.#directory.putWebhook(change);
    await this.#advance(saved);
    return saved;
  }

  async putEventType(type: CustomEventType): Promise<void> {
    await this.#directory.putEventType(type);
    this.#views.delete(type.workspaceId);
  }

  async deleteEventType(workspaceId: string, name: string): Promise<boolean> {
    const deleted = await this.#directory.deleteEventType(workspaceId, name);
    this.#views.delete(workspaceId);
    return deleted;
  }

  /** Puts one saved webhook into the view if it is the very next revision; otherwise the view is read anew. */
  async #advance(saved: Webhook): Promise<void> {
    const { workspaceId } = saved;
    let loading: Promise<WorkspaceView> | undefined;
    let view: WorkspaceView | undefined;
    // Of several that are saved at one time each finds what the one before it made of the view.
    do {
      loading = this.#views.get(workspaceId);
      view = await loading?.catch(() => undefined);
    } while (this.#views.get(workspaceId) !== loading);
    if (view === undefined || view.revision >= saved.revision) return;
    if (view.revision + 1 < saved.revision) {
      this.#views.delete(workspaceId);
      return;
    }
    const webhooks = new Map(view.webhooks);
    if (saved.deletedAt === null) webhooks.set(saved.id, saved);
    else webhooks.delete(saved.id);
    this.#views.set(workspaceId, Promise.resolve(makeView(saved.revision, webhooks, view.eventTypes)));
  }

  #forget(workspaceId: string, loading: Promise<WorkspaceView>): void {
    if (this.#views.get(workspaceId) === loading) this.#views.delete(workspaceId);
  }
}

function viewOf({ revision, webhooks, eventTypes }: WorkspaceSnapshot): WorkspaceView {
  return makeView(
    revision,
    new Map(webhooks.map((webhook) => [webhook.id, webhook])),
    new Map(eventTypes.map((type) => [type.name, type])),
  );
}

function makeView(
  revision: number,
  webhooks: ReadonlyMap<string, Webhook>,
  eventTypes: ReadonlyMap<string, CustomEventType>,
): WorkspaceView {
  const subscribers = new Map<string, readonly Subscriber[]>();
  return {
    revision,
    webhooks,
    eventTypes,
    subscribersOf(type) {
      let found = subscribers.get(type);
      if (found === undefined) {
        found = [...webhooks.values()]
          .filter(({ config }) => config.events.some((pattern) => subscriptionMatches(pattern, type)))
          .map((webhook) => ({ webhook, matcher: matcherOf(webhook) }));
        subscribers.set(type, found);
      }
      return found;
    },
  };
}

/** Compiled once per version of a webhook, over all views that have it. */
const matchers = new WeakMap<Webhook, Matcher | null>();

function matcherOf(webhook: Webhook): Matcher | null {
  let matcher = matchers.get(webhook);
  if (matcher === undefined) {
    matcher = createMatcher(webhook.config);
    matchers.set(webhook, matcher);
  }
  return matcher;
}
