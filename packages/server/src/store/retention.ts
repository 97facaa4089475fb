/** Makes room: removes what is over and old. */
export interface Retention {
  /**
   * Removes events that were accepted before an instant, with their deliveries and attempts, and jobs that were over before
   * it. What is still owed stays, by itself or in a batch, and so does an event of which any delivery came to its end later. A driver
   * that keeps days together may leave what was accepted within the last day before it. Short transactions alone.
   */
  prune(step: PruneStep): Promise<PruneResult>;
}

export interface PruneStep {
  /** Milliseconds since the epoch. */
  before: number;
  /** `next` of the step before; 0: begins with the oldest event. */
  after: number;
  /** Looks at so many events, and removes about so many rows. */
  limit: number;
}

export interface PruneResult {
  /** Where the next step goes on; null: all that is old was looked at. */
  next: number | null;
  events: number;
  deliveries: number;
  jobs: number;
}
