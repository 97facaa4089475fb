import { createServer } from 'node:http';
import { type Clock, systemClock } from '../clock.ts';
import { problemOf } from './error-handler.ts';

/** A start that takes no longer does without. */
const OPENS_AFTER_MS = 1_000;
const HEADERS = { connection: 'close', 'retry-after': '1' };
const REFUSAL = problemOf({
  status: 503,
  code: 'store_unavailable',
  detail: 'Nothing can be taken now: the server is starting.',
});

/** Listens in the place of a server that cannot start yet. */
export interface WaitingRoom {
  /** Rejects if the address cannot be listened on; never resolves. */
  failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * For as long as a start takes: the database may not be there, or is being brought up to date. `/healthz` says that the
 * process is alive, so that nobody ends it; everything else is answered 503.
 */
export function openWaitingRoom(
  address: { host: string; port: number },
  { clock = systemClock }: { clock?: Clock } = {},
): WaitingRoom {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const server = createServer((request, response) => {
    if (request.url === '/healthz') {
      response.writeHead(200, { connection: 'close', 'content-type': 'application/json' }).end('{"status":"ok"}');
      return;
    }
    response.writeHead(503, { ...HEADERS, 'content-type': 'application/problem+json' }).end(JSON.stringify(REFUSAL));
  });
  server.on('error', failed.reject);
  const cancel = clock.after(OPENS_AFTER_MS, () => server.listen(address));
  return {
    failed: failed.promise,
    async close() {
      cancel();
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
