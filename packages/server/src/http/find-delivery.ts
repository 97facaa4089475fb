import { NotFoundError } from '../errors.ts';
import { isId } from '../ids.ts';
import type { Delivery, History } from '../store/store.ts';
import type { Caller } from './auth.ts';

/** @throws NotFoundError also for what is no id */
export async function findDelivery(
  store: Pick<History, 'getDelivery'>,
  { workspaceId }: Pick<Caller, 'workspaceId'>,
  deliveryId: string,
): Promise<Delivery> {
  if (!isId('del', deliveryId)) throw new NotFoundError('delivery of this id');
  const delivery = await store.getDelivery(workspaceId, deliveryId);
  if (delivery === null) throw new NotFoundError(`delivery ${deliveryId}`);
  return delivery;
}
