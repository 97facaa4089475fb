import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What a fault is given: one connection of a sender. */
export interface Passage {
  sender: Socket;
  /** Opens the way to the receiver; the proxy itself forwards nothing. */
  connectReceiver(): Socket;
  /** To be called when the fault has taken effect: one that never does has tested nothing. */
  reached(): void;
}

/** What becomes of a connection: a function that is called for it, or nobody listens when it is tried. */
export type Fault = ((passage: Passage) => void) | 'refused';

/** A TCP proxy on 127.0.0.1 that does to each connection what was chosen for it. */
export interface FaultProxy {
  port: number;
  /** Whether the fault took effect, for each connection in their order. Of a refused one only the sender knows; see `accept`. */
  readonly reached: readonly boolean[];
  /** Ends a refusal, which counts as one connection. Does nothing while connections are accepted. */
  accept(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Listens, unless its first connection is to be refused. After a connection has ended it stops listening when the next one is
 * to be refused: a sender must not be faster than that.
 * @param faultOf called for each connection: 0, 1, …
 */
export async function startFaultProxy(options: {
  receiverPort: number;
  faultOf: (connection: number) => Fault;
}): Promise<FaultProxy> {
  const { receiverPort, faultOf } = options;
  const reached: boolean[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    // Connections are broken on purpose, from either side.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const refuseIfChosen = () => {
    if (server.listening && faultOf(reached.length) === 'refused') server.close();
  };
  const server: Server = createServer({ allowHalfOpen: true }, (sender) => {
    const connection = reached.push(false) - 1;
    const fault = faultOf(connection);
    keep(sender).on('close', refuseIfChosen);
    if (fault === 'refused') {
      // It was to find nobody, and came too soon: never counted as reached.
      sender.destroy();
      return;
    }
    fault({
      sender,
      connectReceiver: () => keep(connect({ port: receiverPort, host: '127.0.0.1', allowHalfOpen: true })),
      reached() {
        reached[connection] = true;
      },
    });
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  refuseIfChosen();
  return {
    port,
    reached,
    async accept() {
      if (server.listening) return;
      reached.push(true);
      await listen(port);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
