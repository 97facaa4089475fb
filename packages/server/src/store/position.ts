/** Where a delivery stands in the order in which those of its lane and class are due. */
export interface Position {
  /** Milliseconds since the epoch. */
  dueAt: number;
  seq: number;
}
