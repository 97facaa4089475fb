import type { OutgoingRequest } from '../../deliver/send-request.ts';

/** What a request says of itself; what it does not say is empty, or not a number. */
export interface ReadRequest {
  webhookId: string;
  deliveryId: string;
  event: string;
  /** Of the attempt. */
  number: number;
  /** What its signature is over. */
  signed: { body: string; timestamp: string; signature: string };
}

export function readRequest({ headers, body }: OutgoingRequest): ReadRequest {
  const byName = new Map<string, string>();
  for (let i = 0; i + 1 < headers.length; i += 2) byName.set((headers[i] ?? '').toLowerCase(), headers[i + 1] ?? '');
  const header = (name: string) => byName.get(`x-broxi-${name}`) ?? '';
  return {
    webhookId: header('webhook-id'),
    deliveryId: header('delivery-id'),
    event: header('event'),
    number: Number(header('attempt')),
    signed: { body, timestamp: header('timestamp'), signature: header('signature') },
  };
}
