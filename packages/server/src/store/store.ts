import type { DeliveryQueue } from './delivery-queue.ts';
import type { Directory } from './directory.ts';
import type { EventLog } from './event-log.ts';
import type { History } from './history.ts';
import type { JobLog } from './job-log.ts';
import type { Ownership } from './ownership.ts';
import type { Retention } from './retention.ts';

export type { GatheringMember, GatheringQuery, NewBatch, SuccessorBatch } from './batches.ts';
export type {
  DeliveryQueue,
  DueQuery,
  HeadsQuery,
  HeadsRead,
  LoadedLane,
  QueuedDelivery,
  RunsQuery,
  Settlement,
  Wake,
} from './delivery-queue.ts';
export type {
  ApiKey,
  AuditEntry,
  CustomEventType,
  Directory,
  HoldRequest,
  KnownDestination,
  KnownHold,
  ReadToken,
  WebhookChange,
  Workspace,
  WorkspaceSnapshot,
} from './directory.ts';
export type {
  EventLog,
  EventQuery,
  IdempotencyKey,
  PlannedDelivery,
  PlannedEvent,
  RecordedOutcome,
  RecordResult,
  Submission,
  TestRecord,
} from './event-log.ts';
export type { Delivery, DeliveryQuery, History, StoreCounters } from './history.ts';
export type { JobLog, JobStep, JobStepResult, NewJob } from './job-log.ts';
export type { Ownership, OwnershipListener } from './ownership.ts';
export type { Position } from './position.ts';
export type { PruneResult, PruneStep, Retention } from './retention.ts';

/**
 * The seam between the product and its databases. A driver implements {@link Store}; `conformance/` says what that means
 * and runs against every driver. All writes of a call are one transaction, and a promise resolves only when that
 * transaction is on disk. Writes that cannot be taken now reject with `StoreUnavailableError` and leave nothing behind.
 * Instants are milliseconds since the epoch. Everything is scoped to a workspace but what the engine sweeps over.
 */
export interface Store extends Directory, EventLog, DeliveryQueue, Ownership, History, JobLog, Retention {
  close(): Promise<void>;
}

/** The calls that only read, which a second connection can answer beside the writer. */
export type ReadStore = Pick<
  Directory,
  | 'findApiKey'
  | 'findReadToken'
  | 'revealReadToken'
  | 'loadWorkspace'
  | 'listWebhookVersions'
  | 'listDestinations'
  | 'listHolds'
> &
  Pick<EventLog, 'getEvent' | 'listEvents' | 'webhooksAt'> &
  Pick<History, 'getDelivery' | 'listDeliveries' | 'listAttempts'> &
  Pick<JobLog, 'getJob' | 'listJobs' | 'estimateJob'> & { close(): Promise<void> };
