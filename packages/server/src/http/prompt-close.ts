import type { FastifyInstance } from 'fastify';
import { type Clock, systemClock } from '../clock.ts';

/** How long what is under way may take to be answered. */
const GRACE_MS = 1_000;

/**
 * Prepares an app, which does not listen yet, for its end.
 * @returns what closes it: nothing new is taken, what is under way is answered, and no connection outlasts that. One that is
 *   kept alive would, for more than a minute, and one whose request does not arrive.
 */
export function promptClose(app: FastifyInstance, clock: Clock = systemClock): () => Promise<void> {
  let isClosing = false;
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done();
  });
  return async () => {
    isClosing = true;
    const cancel = clock.after(GRACE_MS, () => app.server.closeAllConnections());
    await app.close();
    cancel();
  };
}
