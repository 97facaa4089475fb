import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { type ServerProcess, startServer } from '../start-server.ts';

/** A real server on a data folder of its own, and a receiver on 127.0.0.1 that its webhooks can lead to. */
export interface ServerWithReceiver {
  readonly server: ServerProcess;
  /** Of a path at the receiver. */
  url(path: string): string;
  /**
   * Kills the server; another one is started on its folder, at its address: it may send before the test knows that it runs.
   * @param meanwhile what happens while there is none
   */
  killAndStart(meanwhile?: () => void): Promise<void>;
}

/** For the suite that is being described: both are there before its tests, and gone after them. */
export function serverWithReceiver(
  receive: RequestListener,
  { flags = [] }: { flags?: readonly string[] } = {},
): ServerWithReceiver {
  const receiver = createServer(receive);
  let folder: string;
  let server: ServerProcess;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'broxi-e2e-'));
    server = await startServer(folder, flags);
    receiver.listen(0, '127.0.0.1');
    await new Promise((resolve) => receiver.once('listening', resolve));
  });
  after(async () => {
    await server.kill();
    receiver.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get server() {
      return server;
    },
    url: (path) => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${path}`,
    async killAndStart(meanwhile = () => {}) {
      const { port } = new URL(server.url);
      await server.kill();
      meanwhile();
      server = await startServer(folder, [...flags, '--port', port]);
    },
  };
}
