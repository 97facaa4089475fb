import type { EventLog, IdempotencyKey, PlannedDelivery, PlannedEvent, RecordResult, Submission } from './event-log.ts';

/*
 * A submission on its way to the store's thread. Lists travel at a third of the cost of objects, whose names of fields are
 * written and looked up again for every event; and most answers only repeat what was asked.
 */

export type PackedSubmission = [
  workspaceId: string,
  events: PackedEvent[],
  idempotency: IdempotencyKey | null,
  note: string | null,
];

type PackedEvent = [
  id: string,
  type: string,
  occurredAt: number,
  acceptedAt: number,
  runId: string | null,
  revision: number,
  dataText: string,
  idempotency: IdempotencyKey | null,
  deliveries: (PlainDelivery | PlannedDelivery)[],
];

/** With nothing that is decided for it beside where it goes. */
type PlainDelivery = [id: string, webhookId: string];

/** Null: all was recorded, as it was submitted. */
export type PackedResult = RecordResult | null;

/** Records by packed submissions. */
export interface PackedRecord {
  recordPacked(submission: PackedSubmission): Promise<PackedResult>;
}

/** `record` for who submits. */
export function packingRecord(store: PackedRecord): Pick<EventLog, 'record'> {
  return {
    async record(submission) {
      return (await store.recordPacked(pack(submission))) ?? asSubmitted(submission);
    },
  };
}

/** The other end of {@link packingRecord}. */
export function unpackingRecord(store: Pick<EventLog, 'record'>): PackedRecord {
  return {
    async recordPacked(packed) {
      const result = await store.record(unpack(packed));
      const isAsSubmitted = result.kind === 'recorded' && result.events.every(({ kind }) => kind === 'recorded');
      return isAsSubmitted ? null : result;
    },
  };
}

function pack({ workspaceId, events, idempotency, note }: Submission): PackedSubmission {
  return [workspaceId, events.map(packEvent), idempotency, note];
}

function packEvent({ event, deliveries, idempotency }: PlannedEvent): PackedEvent {
  const { id, type, occurredAt, acceptedAt, runId, revision, dataText } = event;
  return [id, type, occurredAt, acceptedAt, runId, revision, dataText, idempotency, deliveries.map(packDelivery)];
}

function packDelivery(delivery: PlannedDelivery): PlainDelivery | PlannedDelivery {
  const { id, webhookId, route, gathers, run, payload } = delivery;
  const isPlain = route === undefined && gathers === undefined && run === undefined && payload === undefined;
  return isPlain ? [id, webhookId] : delivery;
}

function unpack([workspaceId, events, idempotency, note]: PackedSubmission): Submission {
  return { workspaceId, events: events.map((event) => unpackEvent(workspaceId, event)), idempotency, note };
}

function unpackEvent(workspaceId: string, packed: PackedEvent): PlannedEvent {
  const [id, type, occurredAt, acceptedAt, runId, revision, dataText, idempotency, deliveries] = packed;
  return {
    event: { workspaceId, id, type, occurredAt, acceptedAt, runId, revision, dataText },
    deliveries: deliveries.map(unpackDelivery),
    idempotency,
  };
}

function unpackDelivery(delivery: PlainDelivery | PlannedDelivery): PlannedDelivery {
  return Array.isArray(delivery) ? { id: delivery[0], webhookId: delivery[1] } : delivery;
}

function asSubmitted({ events }: Submission): RecordResult {
  const outcomes = events.map(({ event: { id, type }, deliveries }) => {
    return { kind: 'recorded' as const, id, type, deliveries: deliveries.length };
  });
  return { kind: 'recorded', events: outcomes };
}
