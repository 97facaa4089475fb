import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Which connections a {@link CuttingProxy} cuts, once it sees what it waits for. */
interface Cut {
  /** In what a client sends. */
  at: string;
  /** What was seen still reaches the server, and its answer goes nowhere. */
  delivered: boolean;
  done: () => void;
}

/** Stands between a client and a server, and cuts their connection at a chosen moment. */
export class CuttingProxy {
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut: Cut | null = null;

  private constructor(target: URL, join: (client: Socket) => void) {
    this.#target = target;
    this.#server = createServer(join);
  }

  /** @param url of the database that it leads to */
  static async start(url: string): Promise<CuttingProxy> {
    const target = new URL(url);
    const proxy: CuttingProxy = new CuttingProxy(target, (client) => proxy.#join(client));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** Of the same database, through here. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy listens');
    const through = new URL(this.#target);
    through.host = `127.0.0.1:${address.port}`;
    return through.href;
  }

  /** Cuts the next connection whose client says this. Resolves when it did. */
  cutAt(at: string, { delivered }: { delivered: boolean }): Promise<void> {
    return new Promise((done) => {
      this.#cut = { at, delivered, done };
    });
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    const answer = (chunk: Buffer) => client.write(chunk);
    server.on('data', answer);
    client.on('data', (chunk) => {
      const cut = this.#cut;
      if (cut === null || !chunk.includes(cut.at)) {
        server.write(chunk);
        return;
      }
      this.#cut = null;
      server.off('data', answer);
      if (!cut.delivered) end();
      else {
        server.write(chunk);
        server.once('data', end);
      }
      server.once('close', cut.done);
    });
  }
}
