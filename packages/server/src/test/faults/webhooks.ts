import type { ServerProcess } from '../start-server.ts';
import type { RecordingReceiver } from './receiver.ts';

/** Retries so soon and so often that no delivery gives up within a run. */
export const PATIENT = { max_retries: 50, retry_delay: 0.1, max_delay: 1 };

/** Makes a webhook for every event that leads to a path of the receiver. @returns its id */
export async function addWebhook(
  server: ServerProcess,
  { receiver, path, ...config }: { receiver: RecordingReceiver; path: string } & Record<string, unknown>,
): Promise<string> {
  const url = `${receiver.url}${path}`;
  const { status, body } = await server.call('POST', '/v1/webhooks', {
    url,
    events: ['*'],
    retry_policy: PATIENT,
    ...config,
  });
  if (status !== 201) throw new Error(`the webhook was not made: ${status} ${JSON.stringify(body)}`);
  receiver.knowSecret(path, String(body['secret']));
  return String(body['id']);
}

/** Whether nothing is owed to any webhook. Asked twice round: a delivery may go from one state to the other between two questions. */
export async function isDrained(server: ServerProcess): Promise<boolean> {
  for (const state of ['pending', 'sending', 'pending', 'sending']) {
    const { status, body } = await server.call('GET', `/v1/deliveries?state=${state}&limit=1`);
    // A page may be empty while another one follows.
    if (status !== 200 || body['next_cursor'] !== null || !isEmpty(body['data'])) return false;
  }
  return true;
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0;
}
