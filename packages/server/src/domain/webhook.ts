import { type Circuit, CLOSED_CIRCUIT } from './circuit.ts';
import type { FailingStreak } from './failing-streak.ts';
import type { WebhookConfig } from './webhook-config.ts';

/** One configured receiver, in one version of its configuration. */
export interface Webhook {
  workspaceId: string;
  /** `wh_…` */
  id: string;
  /** 1, 2, …: grows with every change; `If-Match` compares it. */
  version: number;
  /** The workspace revision that this version came with. */
  revision: number;
  config: WebhookConfig;
  secret: string;
  createdAt: number;
  updatedAt: number;
  /** Set once it is deleted: what it is owed is cancelled, its history stays. */
  deletedAt: number | null;
}

/** A webhook's line of waiting deliveries: what is limited, paced and ordered by itself. */
export interface Lane {
  workspaceId: string;
  webhookId: string;
}

/** Identifies a lane in maps. */
export function laneKey(lane: Lane): string {
  return `${lane.workspaceId}/${lane.webhookId}`;
}

/** What is known about one URL of a webhook. Forgotten when the URL or the secret changes. */
export interface Destination {
  /** The signed text that its receiver took last, and when that was learned; null before the first success. */
  scheme: 'timestamped' | 'body' | null;
  schemeLearnedAt: number;
  /** Nothing is sent before this instant: the receiver asked for it with Retry-After. 0: no wait. */
  notBefore: number;
  circuit: Circuit;
  /** Attempts since its last success; null: there were none. */
  failing: FailingStreak | null;
}

/** What is known about a URL of a webhook, before and after something was learned. */
export interface KnownChange {
  url: string;
  before: Destination;
  after: Destination;
}

export const UNKNOWN_DESTINATION: Destination = {
  scheme: null,
  schemeLearnedAt: 0,
  notBefore: 0,
  circuit: CLOSED_CIRCUIT,
  failing: null,
};
