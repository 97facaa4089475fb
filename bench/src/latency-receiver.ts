import { createServer, type Server } from 'node:http';

/**
 * The receiver of the latency run, a process of its own. It notes when each event has arrived whole, on the monotonic clock
 * that all processes of a machine share, in microseconds. `GET /count` → `{count}`; `GET /arrivals` → `{<event id>: µs}`;
 * `DELETE /arrivals` forgets them.
 * nginx logs to the millisecond, by a clock it reads once per turn of its loop; that is coarse beside what is measured here.
 */
export function createLatencyReceiver(): Server {
  const arrivals = new Map<string, number>();
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    if (request.method === 'GET') {
      const answer = request.url === '/arrivals' ? Object.fromEntries(arrivals) : { count: arrivals.size };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      return;
    }
    if (request.method === 'DELETE') {
      arrivals.clear();
      response.writeHead(204).end();
      return;
    }
    request.resume().once('end', () => {
      const now = nowMicroseconds();
      const id = request.headers['x-broxi-event-id'];
      // Of an event that is delivered again the first arrival counts.
      if (typeof id === 'string' && !arrivals.has(id)) arrivals.set(id, now);
      response.writeHead(204).end();
    });
  });
  return server;
}

/** CLOCK_MONOTONIC, the same in every process of one machine. */
export function nowMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

if (import.meta.main) {
  const server = createLatencyReceiver();
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(Number(process.argv[2]), '127.0.0.1');
}
