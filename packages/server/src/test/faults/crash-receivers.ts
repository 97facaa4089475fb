import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServerProcess } from '../start-server.ts';
import { type RecordingReceiver, startRecordingReceiver } from './receiver.ts';
import { addWebhook } from './webhooks.ts';

/** Three webhooks for every event, so that a kill finds deliveries in every state. */
export interface CrashReceivers extends RecordingReceiver {
  /** @param config of each, beside what makes it what it is */
  addWebhooks(server: ServerProcess, config?: object): Promise<string[]>;
  /** From now on everything is taken. */
  release(): void;
}

const SLOWEST_MS = 40;
const REFUSED = 0.1;
/** Longer than any server lives. */
const HOLD_SECONDS = 60;

/**
 * `/steady` takes everything at once, and `/shaky` takes a while or refuses. `/held` answers nothing before it is released:
 * what is owed to it is still owed at every kill, so that not one lost row can hide behind a delivery that came in time.
 */
export async function startCrashReceivers({ era, random }: { era: () => number; random: () => number }) {
  const released = Promise.withResolvers<void>();
  let isReleased = false;
  const answers: Readonly<Record<string, (response: ServerResponse) => Promise<boolean>>> = {
    '/steady': async () => true,
    '/shaky': async () => {
      await pause(random() * SLOWEST_MS);
      return random() >= REFUSED;
    },
    '/held': async (response) => {
      if (!isReleased) await Promise.race([released.promise, once(response, 'close')]);
      return isReleased && !response.destroyed;
    },
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const taken = (await answers[request.url ?? '']?.(response)) ?? false;
    if (!response.destroyed) response.writeHead(taken ? 204 : 503).end();
    return taken;
  };
  const receiver = await startRecordingReceiver({ era, answer });
  return {
    ...receiver,
    addWebhooks: async (server, config = {}) => [
      await addWebhook(server, { receiver, path: '/steady', ...config }),
      await addWebhook(server, { receiver, path: '/shaky', max_concurrency: 64, ...config }),
      await addWebhook(server, { receiver, path: '/held', timeout: HOLD_SECONDS, ...config }),
    ],
    release() {
      isReleased = true;
      released.resolve();
    },
  } satisfies CrashReceivers;
}
