import { DELIVERY_CLASSES } from '../../domain/delivery.ts';
import type { ReadStore, Store } from '../store.ts';

/** Ids to look for in a workspace. */
export interface Names {
  webhookId: string;
  eventId: string;
  runId: string;
  deliveryIds: readonly string[];
  jobId: string;
}

/** All that a workspace shows through the questions that both connections answer. */
export async function viewHistory(reads: ReadStore, workspaceId: string, names: Names): Promise<object> {
  const { webhookId, eventId, runId, deliveryIds, jobId } = names;
  const limit = 100;
  const deliveryQueries = [{}, { webhookId }, { eventId }, { runId }, { state: 'pending' }, { status: 500 }] as const;
  return {
    snapshot: await reads.loadWorkspace(workspaceId),
    versions: await reads.listWebhookVersions({ workspaceId, webhookId }),
    inForce: await Promise.all([0, 1, 2, 3].map((revision) => reads.webhooksAt(workspaceId, revision))),
    readToken: await reads.revealReadToken({ workspaceId, webhookId }),
    destinations: await reads.listDestinations(workspaceId),
    destinationsOfWebhook: await reads.listDestinations(workspaceId, webhookId),
    holds: await reads.listHolds(workspaceId),
    holdsOfWebhook: await reads.listHolds(workspaceId, webhookId),
    event: await reads.getEvent(workspaceId, eventId),
    events: await reads.listEvents({ workspaceId, limit }),
    run: await reads.listEvents({ workspaceId, limit, runId }),
    lists: await Promise.all(deliveryQueries.map((query) => reads.listDeliveries({ workspaceId, limit, ...query }))),
    deliveries: await Promise.all(deliveryIds.map((id) => reads.getDelivery(workspaceId, id))),
    job: await reads.getJob(workspaceId, jobId),
    jobs: await reads.listJobs({ workspaceId, limit }),
    attempts: await Promise.all(deliveryIds.map((id) => reads.listAttempts(workspaceId, id))),
  };
}

/** {@link viewHistory}, and what the owner of a lane sees of it. */
export async function viewWorkspace(store: Store, workspaceId: string, names: Names): Promise<object> {
  const lane = { workspaceId, webhookId: names.webhookId };
  const everything = { after: null, dueBy: Number.MAX_SAFE_INTEGER, limit: 100 };
  return {
    ...(await viewHistory(store, workspaceId, names)),
    lane: await store.loadLane(lane),
    due: await Promise.all(DELIVERY_CLASSES.map((each) => store.readDue({ lane, class: each, ...everything }))),
    exchanges: (await store.exchangesSince(lane, 0)).toSorted((a, b) => a - b),
    nextDueAt: await store.nextDueAt(lane, 0),
    swept: (await store.sweep()).filter((each) => each.workspaceId === workspaceId),
  };
}
