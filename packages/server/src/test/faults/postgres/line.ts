import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * The way from one server to PostgreSQL, on a port that stays.
 *
 * ```
 *   open ──cut()──▶ cut: what is sent is kept on its way, and nobody is told ──mend()──▶ open
 * ```
 */
export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: number;
  #isCut = false;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
  }

  /** @param target the port of PostgreSQL */
  static async start(target: number): Promise<Line> {
    const line: Line = new Line(
      createServer((client) => line.#join(client)),
      target,
    );
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The ports that PostgreSQL sees its connections come from. */
  get clientPorts(): number[] {
    return [...this.#sockets].flatMap(({ localPort }) => (localPort === undefined ? [] : [localPort]));
  }

  /** A black hole, for the connections that are there and for new ones. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What was on its way arrives. */
  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Leads to another PostgreSQL from now on. */
  leadTo(target: number): void {
    this.#target = target;
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1' });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk) => void to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#isCut) from.pause();
    }
  }
}
