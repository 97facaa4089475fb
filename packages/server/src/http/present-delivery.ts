import Type, { type Static } from 'typebox';
import type { DeliveryState } from '../domain/delivery.ts';
import type { HeldReason } from '../domain/hold.ts';
import { targetOf } from '../domain/target.ts';
import type { Delivery } from '../store/store.ts';
import {
  instantSchema,
  optionalInstantSchema,
  optionalIntegerSchema,
  optionalStringSchema,
  presentInstant,
  presentOptionalInstant,
} from './instant.ts';
import type { AppDeps } from './ports.ts';
import { heldReasonsOf, readStanding, type Standing } from './present-webhook.ts';
import { HELD_REASONS, HELD_REASONS_TEXT } from './webhook-schema.ts';

/** What a delivery is shown as. `sending` and `held` are not stored: they are known when it is read. */
export const DELIVERY_STATES = ['pending', 'sending', 'held', 'batched', 'delivered', 'failed', 'cancelled'] as const;

/** Why one is held: its webhook takes nothing, or the order of its run keeps it back. */
type DeliveryHeldReason = HeldReason | 'run_blocked';

const fields = {
  id: Type.String({ description: 'del_…; receivers tell duplicates by it.' }),
  webhook_id: Type.String(),
  event_id: Type.String(),
  event: Type.String({ description: 'The event type.' }),
  run_id: optionalStringSchema('`data.run_id` of the event.'),
  origin: Type.Enum(['event', 'replay', 'backfill', 'test', 'batch'], { description: 'How it came to be.' }),
  route: optionalIntegerSchema('The `id` of the route that was decided on; null: it goes to the `url` of the webhook.'),
  at_fallback: Type.Boolean({
    description:
      'True: its own URL, or that of its route, did not take it, and it goes, or went, to the `fallback_url`; of a member of a batch: with that.',
  }),
  payload: Type.Enum(['full', 'thin'], { description: 'What its body carries of the data, decided when it was owed.' }),
  state: Type.Enum([...DELIVERY_STATES], {
    description:
      'held: it waits until its webhook takes deliveries again. batched: it is a member of a batch, and shares its fate.',
  }),
  batch_id: optionalStringSchema('The delivery of the batch that it is a member of; null: it is in none.'),
  batch_state: Type.Unsafe<DeliveryState | 'held' | null>({
    enum: [...DELIVERY_STATES.filter((state) => state !== 'batched'), null],
    description: 'The state of that batch; null: it is in none.',
  }),
  held_reasons: Type.Array(Type.Enum([...HELD_REASONS, 'run_blocked']), {
    description: `Why it is held; empty in any other state. ${HELD_REASONS_TEXT} run_blocked: \`blocked_by\` failed before it in its run.`,
  }),
  blocked_by: optionalStringSchema(
    'The delivery that blocks its run: retry it, or cancel it, and this one goes on. Null: none does.',
  ),
  reason: optionalStringSchema('Why it failed, was cancelled, or is tried again.'),
  attempt_count: Type.Integer({ description: 'Attempts so far, over all retries.' }),
  last_status: optionalIntegerSchema('HTTP status of the latest answer; null: none.'),
  created_at: instantSchema('When it was owed.'),
  due_at: optionalInstantSchema('When the next attempt is due; null once it is over.'),
  finished_at: optionalInstantSchema('When it was delivered, failed or cancelled, or its batch was.'),
};

export const deliverySchema = Type.Object(fields, {
  $id: 'Delivery',
  description: 'One event, or one batch of events, owed to one webhook.',
});
export type DeliveryJson = Static<typeof deliverySchema>;
export const deliveryFields = fields;

type Waiting = Pick<AppDeps, 'store' | 'workspaces' | 'engine'>;
/** Reasons: it is held for them. */
type ShownAs = 'as stored' | 'sending' | readonly DeliveryHeldReason[];

/** Deliveries of one workspace as the API shows them, in the same order. */
export async function presentDeliveries(deliveries: readonly Delivery[], deps: Waiting): Promise<DeliveryJson[]> {
  const shownAs = await lookAtWaiting(deliveries, deps);
  return deliveries.map((delivery) => present(delivery, shownAs(delivery)));
}

export async function presentDelivery(delivery: Delivery, deps: Waiting): Promise<DeliveryJson> {
  const shownAs = await lookAtWaiting([delivery], deps);
  return present(delivery, shownAs(delivery));
}

async function lookAtWaiting(
  deliveries: readonly Delivery[],
  { store, workspaces, engine }: Waiting,
): Promise<(delivery: Delivery) => ShownAs> {
  const waiting = deliveries.filter((delivery) => owed(delivery).state === 'pending');
  const first = waiting[0];
  if (first === undefined) return () => 'as stored';
  const view = await workspaces.get(first.workspaceId);
  const sending = new Set<string>();
  const standings = new Map<string, Standing>();
  const look = async (webhookId: string, ofWebhook: readonly Delivery[]) => {
    const ids = ofWebhook.map((delivery) => owed(delivery).id);
    for (const id of await engine.sendingAmong(first.workspaceId, webhookId, ids)) sending.add(id);
    standings.set(webhookId, await readStanding(store, first.workspaceId, webhookId));
  };
  const byWebhook = Map.groupBy(waiting, (delivery) => delivery.webhookId);
  await Promise.all([...byWebhook].map(([webhookId, ofWebhook]) => look(webhookId, ofWebhook)));
  return (delivery) => {
    const { webhookId, route, failedBefore } = delivery;
    const { id, state, atFallback } = owed(delivery);
    if (state !== 'pending') return 'as stored';
    if (sending.has(id)) return 'sending';
    const webhook = view.webhooks.get(webhookId);
    const standing = standings.get(webhookId);
    if (webhook === undefined || standing === undefined) return 'as stored';
    const { url } = targetOf(webhook.config, { route, atFallback });
    const reasons: DeliveryHeldReason[] = heldReasonsOf(webhook, url, standing);
    if (failedBefore !== null && webhook.config.ordering?.on_exhausted === 'block') reasons.push('run_blocked');
    return reasons.length > 0 ? reasons : 'as stored';
  };
}

/** What is sent, or waits to be: the batch that a delivery is a member of, or itself. */
function owed({ batch, ...delivery }: Delivery): Pick<Delivery, 'id' | 'state' | 'atFallback'> {
  return batch ?? delivery;
}

function present(delivery: Delivery, shownAs: ShownAs): DeliveryJson {
  const { batch } = delivery;
  const reasons = typeof shownAs === 'string' ? [] : shownAs;
  const state = shownAs === 'as stored' ? owed(delivery).state : shownAs === 'sending' ? shownAs : 'held';
  return {
    id: delivery.id,
    webhook_id: delivery.webhookId,
    event_id: delivery.eventId,
    event: delivery.eventType,
    run_id: delivery.runId,
    origin: delivery.origin,
    route: delivery.route,
    at_fallback: owed(delivery).atFallback,
    payload: delivery.payload,
    state: batch === null ? state : delivery.state,
    batch_id: batch?.id ?? null,
    batch_state: batch && state,
    held_reasons: [...reasons],
    blocked_by: reasons.includes('run_blocked') ? delivery.failedBefore : null,
    reason: delivery.reason,
    attempt_count: delivery.attempts,
    last_status: delivery.lastStatus,
    created_at: presentInstant(delivery.createdAt),
    due_at: presentOptionalInstant(delivery.dueAt),
    finished_at: presentOptionalInstant(delivery.finishedAt),
  };
}
