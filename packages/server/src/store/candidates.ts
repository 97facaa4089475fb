import type { PayloadKind } from '../domain/delivery.ts';

/** Something that a job looks at. */
export interface Candidate {
  /** Its `seq`: of the delivery, or of the event. */
  seq: number;
  /** Where to go on after it. */
  position: JobPosition;
  /** When the delivery was owed, or the event accepted. */
  at: number;
  /** `other`: the task is not about it. `skipped`: it is, and nothing is to be done. `owed`: it is to be owed (again). */
  verdict: 'other' | 'skipped' | 'owed';
  /** Id of the route that an event goes; null: none, or it is a delivery, which has its own. */
  route: number | null;
  /** The run that the delivery of an event goes in order with; null: none, or it is a delivery. */
  run: string | null;
  /** What the delivery of an event is to carry; of a delivery, which has its own, it says nothing. */
  payload: PayloadKind;
}

/** The id of a delivery, or the place of an event as the driver writes it. */
export type JobPosition = string | number;

/** What a task looks through, in order. @typeParam Page where reading takes time: a promise of candidates */
export interface Candidates<Page = Candidate[]> {
  /** Before the first. */
  readonly start: JobPosition;
  /** After the last. */
  readonly end: JobPosition;
  /** The next ones after a position, or before it. Fewer than `limit`: these are the last ones. */
  oldestFirst(after: JobPosition, limit: number): Page;
  newestFirst(before: JobPosition, limit: number): Page;
}
