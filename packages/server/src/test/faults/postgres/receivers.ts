import { setTimeout as pause } from 'node:timers/promises';
import type { ServerProcess } from '../../start-server.ts';
import { type RecordingReceiver, startRecordingReceiver } from '../receiver.ts';
import { addWebhook } from '../webhooks.ts';

/** Webhooks of every kind, so many that each server has some, and their receiver. */
export interface FlowReceiver extends RecordingReceiver {
  /** Makes the webhooks. @returns the id of the one that is held to {@link NARROW} requests at a time */
  addWebhooks(server: ServerProcess): Promise<string>;
  readonly webhookIds: readonly string[];
  /** The narrow one answers so slowly from now on. */
  narrowMs: number;
  /** The most requests that the narrow one had in the air since the last look. */
  takeMostAtOnce(): number;
  /** How far the time in a signature was from ours at most since the last look, in milliseconds. */
  takeMostOff(): number;
}

export const NARROW = 8;

const STEADY = 4;
const NARROW_MS = 30;
const SLOWEST_MS = 40;
const REFUSED = 0.1;

export async function startFlowReceiver(random: () => number): Promise<FlowReceiver> {
  const webhookIds: string[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  let mostOffMs = 0;
  const receiver = await startRecordingReceiver({
    era: () => 0,
    async answer(request, response) {
      let taken = true;
      mostOffMs = Math.max(mostOffMs, Math.abs(Date.now() - 1000 * Number(request.headers['x-broxi-timestamp'])));
      if (request.url === '/shaky') {
        await pause(random() * SLOWEST_MS);
        taken = random() >= REFUSED;
      } else if (request.url === '/narrow') {
        atOnce += 1;
        mostAtOnce = Math.max(mostAtOnce, atOnce);
        await pause(flow.narrowMs);
        atOnce -= 1;
      }
      if (!response.destroyed) response.writeHead(taken ? 204 : 503).end();
      return taken;
    },
  });
  const flow: FlowReceiver = {
    ...receiver,
    webhookIds,
    narrowMs: NARROW_MS,
    async addWebhooks(server) {
      const add = async (path: string, config = {}) => {
        const id = await addWebhook(server, { receiver, path, ...config });
        webhookIds.push(id);
        return id;
      };
      for (let i = 0; i < STEADY; i += 1) await add(`/steady/${i}`);
      await add('/shaky', { max_concurrency: 64 });
      return await add('/narrow', { max_concurrency: NARROW });
    },
    takeMostAtOnce() {
      const most = mostAtOnce;
      mostAtOnce = atOnce;
      return most;
    },
    takeMostOff() {
      const most = mostOffMs;
      mostOffMs = 0;
      return most;
    },
  };
  return flow;
}
