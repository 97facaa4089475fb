import type { Lane } from '../domain/webhook.ts';
import type { Position } from './position.ts';

export interface GatheringQuery {
  lane: Lane;
  /** Null: from the start. */
  after: Position | null;
  limit: number;
}

/** A delivery that waits for company, without its data. */
export interface GatheringMember extends Position {
  id: string;
  eventType: string;
  /** Id of the route that was decided on; null: the webhook's own URL. */
  route: number | null;
  createdAt: number;
  /** Of the event's data, as UTF-8. */
  dataBytes: number;
}

/** The members of a batch that is to be made; all of one type and route. */
export interface NewBatch {
  lane: Lane;
  /** Of the delivery, and of the event that it carries. */
  id: string;
  eventId: string;
  eventType: string;
  route: number | null;
  members: readonly Position[];
  formedAt: number;
}

/** A batch that carries on members of another one, their bodies unchanged. */
export interface SuccessorBatch {
  /** Of the delivery, and of the event that it carries. */
  id: string;
  eventId: string;
  dataText: string;
  /** Ids of its members. */
  members: readonly string[];
  formedAt: number;
  /** It goes to the webhook's fallback. */
  atFallback: boolean;
  /** Attempts of its series that the other one made. */
  attemptsUsed: number;
  /** `at once`: due as a first attempt, which nothing is that goes to the fallback. */
  start: 'at once' | { state: 'pending'; dueAt: number } | { state: 'failed'; reason: string };
}
