import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArrivalLog } from './arrival-log.ts';
import { BenchError } from './bench-error.ts';
import { freePort } from './free-port.ts';
import { type ProcessGroup, type RunningProcess, waitForReady } from './processes.ts';

/** The receiver of the throughput rounds: answers 204 to everything and logs when which delivery arrived. */
export interface NginxReceiver {
  /** `http://127.0.0.1:<port>`; every path is a receiver. */
  origin: string;
  arrivals: ArrivalLog;
  /** From now on it takes connections and answers nothing. */
  silence(): Promise<void>;
  /** It answers again, first what came in while it was silent. */
  speak(): Promise<void>;
}

/** @param directory is made; holds the configuration and the log, and belongs to the caller */
export async function startNginx(group: ProcessGroup, nginx: string, directory: string): Promise<NginxReceiver> {
  await mkdir(directory, { recursive: true });
  const port = await freePort();
  const configuration = join(directory, 'nginx.conf');
  await writeFile(configuration, nginxConfiguration(directory, port));
  const args = ['-c', configuration, '-p', directory, '-e', join(directory, 'error.log')];
  const running = await group.start({ name: 'nginx', file: nginx, args });
  const origin = `http://127.0.0.1:${port}`;
  await waitForReady(running, `${origin}/ready`);
  return {
    origin,
    arrivals: new ArrivalLog(join(directory, 'access.log')),
    // A stopped process keeps its listening socket, and the kernel goes on taking connections for it.
    silence: () => signalWorker(running, 'SIGSTOP'),
    speak: () => signalWorker(running, 'SIGCONT'),
  };
}

/** Only the worker: the master stays able to end it. The list of children is that of proc(5). */
async function signalWorker({ pid }: RunningProcess, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number);
  const [worker] = children;
  if (worker === undefined || !(worker > 1)) throw new BenchError('nginx runs without a worker.');
  process.kill(worker, signal);
}

/**
 * One worker, because the senders have one thread that sends; connections that are never closed from this side, because
 * the rounds measure exchanges and not handshakes; a buffered log, so that a round costs the receiver a few writes a second.
 */
function nginxConfiguration(directory: string, port: number): string {
  // Every path nginx would otherwise take from its build, where only root may write.
  const ownPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `  ${kind}_temp_path "${join(directory, kind)}";`,
  );
  return `daemon off;
worker_processes 1;
pid "${join(directory, 'nginx.pid')}";
error_log "${join(directory, 'error.log')}" warn;
events { worker_connections 4096; }
http {
${ownPaths.join('\n')}
  log_format arrivals '$msec $http_x_broxi_delivery_id $content_length';
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_buffer_size 64k;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /ready { access_log off; return 200; }
    location / {
      access_log "${join(directory, 'access.log')}" arrivals buffer=64k flush=200ms;
      return 204;
    }
  }
}
`;
}
