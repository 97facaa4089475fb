import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArrivalLog } from './arrival-log.ts';
import { freePort } from './free-port.ts';
import { type ProcessGroup, type RunningProcess, waitForReady } from './processes.ts';

/** The receiver of the throughput rounds: answers 204 to everything and logs when which delivery arrived. */
export interface NginxReceiver {
  /** `http://127.0.0.1:<port>`; every path is a receiver. */
  origin: string;
  arrivals: ArrivalLog;
  process: RunningProcess;
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
  return { origin, arrivals: new ArrivalLog(join(directory, 'access.log')), process: running };
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
  log_format arrivals '$msec $http_x_broxi_delivery_id';
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
