import { createServer, type Server, type ServerResponse } from 'node:http';

/** What a hung receiver says of itself. */
export interface Hanging {
  /** Requests that wait for an answer now: attempts in the air. */
  held: number;
  /** Requests that it took so far. */
  taken: number;
  /** Requests whose sender gave up. */
  givenUp: number;
}

/**
 * A receiver that takes everything and answers nothing. `GET /held` → {@link Hanging}; `DELETE /held` answers 204 to all that
 * wait, so that a measurement can go on without their timeouts.
 */
export function createHungReceiver(): Server {
  const held = new Set<ServerResponse>();
  let taken = 0;
  let givenUp = 0;
  return createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, (request, response) => {
    if (request.method === 'POST') {
      request.resume();
      taken += 1;
      held.add(response);
      response.once('close', () => {
        if (held.delete(response)) givenUp += 1;
      });
      return;
    }
    if (request.method === 'DELETE') {
      for (const waiting of held) waiting.writeHead(204).end();
      held.clear();
    }
    const hanging: Hanging = { held: held.size, taken, givenUp };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(hanging));
  });
}

if (import.meta.main) {
  const server = createHungReceiver();
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(Number(process.argv[2]), '127.0.0.1');
}
