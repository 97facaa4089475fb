import type { ExchangeResult, SignatureScheme } from '../../domain/attempt.ts';
import type { DeliveryClass, PayloadKind } from '../../domain/delivery.ts';
import type { Lane, Webhook } from '../../domain/webhook.ts';
import type { Settlement } from '../../store/store.ts';
import type { DestinationOracle } from './destination-oracle.ts';
import type { TroubleOracle } from './trouble-oracle.ts';

/** One HTTP request that reached a receiver. */
export interface ExchangeFacts {
  sentAt: number;
  scheme: SignatureScheme;
  /** Null: none yet. */
  result: ExchangeResult | null;
}

/** One attempt, as seen from outside the engine. Instants are milliseconds since the epoch. */
export interface AttemptFacts {
  /** The process that makes it. */
  node: string;
  /** Its lane is another node's by now: what becomes of it is not this one's to say. */
  isOrphan: boolean;
  /** Its outcome was handed to the store when that was so. */
  isLate: boolean;
  deliveryId: string;
  webhook: WebhookFacts;
  class: DeliveryClass;
  number: number;
  startedAt: number;
  /** A test: past every limit and hold. */
  isTest: boolean;
  /** Started while the circuit was open. */
  isProbe: boolean;
  /** The versions of the webhook that it may have been made with: two while a change is under way. */
  versions: readonly Webhook[];
  destination: DestinationOracle;
  /** It went to the webhook's fallback. */
  isFallback: boolean;
  exchanges: ExchangeFacts[];
  /**
   * - `open`: a request has no answer yet
   * - `between`: it may offer the other signature, once the rate limit lets it
   * - `landed`: it is over
   */
  state: 'open' | 'between' | 'landed';
  /** What it came to, once the engine hands that to the store. */
  outcome: Settlement | null;
}

/** What is known of a delivery beside its rows. */
export interface DeliveryFacts {
  id: string;
  webhook: WebhookFacts;
  /** Of a batch: ids of what it carries, once that is known; null: it is none. */
  members: readonly string[] | null;
  /** A batch that a person has sent again, or that goes on from one: its members belong to another. */
  isReplay: boolean;
  /** As it was decided when its event was published; null: a test, which asks its webhook. */
  payload: PayloadKind | null;
  /** The bytes of the first request; null: none was sent. */
  body: string | null;
  /** When it was acknowledged; null: it was not, so that it may be missing. */
  acknowledgedAt: number | null;
  /** The answer was that nothing was recorded. */
  refused: boolean;
  /** A receiver took it, and the process that knows so lives, or wrote it down. */
  taken: boolean;
  /** A receiver took it at some time. */
  wasTaken: boolean;
  /** A process died with it in the air, or its outcome unwritten. */
  crashed: boolean;
  /** A node that has not had its lane any more may have written an outcome of it. */
  overtaken: boolean;
  /** The attempt that is not settled. */
  attempt: AttemptFacts | null;
}

/** What is known of a webhook beside its rows. */
export interface WebhookFacts {
  lane: Lane;
  /** Its receiver is told apart by it. */
  host: string;
  /** Another process is to have it. */
  isAway: boolean;
  /** A person changes it at this moment, or its owner cannot have heard of that yet. */
  changing: boolean;
  /** Through which process; null: nobody does. */
  changingAt: string | null;
  /** Its owner begins it anew once what is in the air has landed. */
  restarting: boolean;
  /** Somebody else than its owner wrote about its receivers: what the owner knows of them cannot be told. */
  muddled: boolean;
  /** When the latest change by a person began, and ended. */
  changedFrom: number;
  changedUntil: number;
  /** Attempts that are not settled. */
  attempts: Set<AttemptFacts>;
  /** When the latest attempt began, and when one was over last. */
  startedAt: number;
  landedAt: number;
  /** By URL and secret. */
  destinations: Map<string, DestinationOracle>;
  trouble: TroubleOracle;
  /** Outcomes under way that disable it. */
  disabling: number;
}

/** Requests without an answer, tests aside. */
export function requestsInTheAir(webhook: WebhookFacts): AttemptFacts[] {
  return [...webhook.attempts].filter(({ state, isTest }) => state === 'open' && !isTest);
}

/** What an attempt is from its beginning. */
type Begun = Omit<AttemptFacts, 'isOrphan' | 'isLate' | 'isProbe' | 'exchanges' | 'state' | 'outcome'>;

export function newAttempt(begun: Begun): AttemptFacts {
  return { ...begun, isOrphan: false, isLate: false, isProbe: false, exchanges: [], state: 'open', outcome: null };
}

export function newDelivery(id: string, webhook: WebhookFacts, payload: PayloadKind | null): DeliveryFacts {
  return {
    ...{ id, webhook, payload, members: null, isReplay: false, body: null, attempt: null, acknowledgedAt: null },
    ...{ refused: false, taken: false, wasTaken: false, crashed: false, overtaken: false },
  };
}

export function newWebhook(lane: Lane, host: string, trouble: TroubleOracle): WebhookFacts {
  return {
    ...{ lane, host, trouble, isAway: false, changing: false, changingAt: null, restarting: false, muddled: false },
    ...{ changedFrom: 0, changedUntil: 0, startedAt: 0, landedAt: 0, disabling: 0 },
    attempts: new Set(),
    destinations: new Map(),
  };
}
