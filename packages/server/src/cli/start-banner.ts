import { relative } from 'node:path';
import { styleText } from 'node:util';
import type { Config } from '../config.ts';
import { VERSION } from '../version.ts';

export interface StartBannerOptions {
  config: Pick<Config, 'mode' | 'host'>;
  server: { url: string; apiKey: string | null; dataPlace: string; firstStart: boolean };
  /** Where it is written: decides about colours. `NO_COLOR` is obeyed. */
  stream: NodeJS.WritableStream;
}

/** The shortest data that an event of this type may have, so that the pasted line stays readable. */
export const FIRST_EVENT = {
  event: 'workflow.completed',
  data: { workflow_id: 'wf_1', run_id: 'run_1', output: { answer: 42 } },
} as const;

/** What a server says when it runs; with the lines to paste in dev mode and at the first start. Ends with a line break. */
export function startBanner({ config, server, stream }: StartBannerOptions): string {
  const dev = config.mode === 'dev';
  const paint = (style: 'bold' | 'cyan' | 'dim', text: string) =>
    styleText(style, text, { stream, validateStream: true });
  const url = reachableUrl(server.url);
  const title = paint('bold', `Broxi Webhooks ${VERSION}`);
  const lines = [
    dev ? `${title}  dev: plain http and receivers on this machine are allowed` : title,
    '',
    `  Address  ${paint('cyan', server.url)}`,
    ...(server.apiKey === null ? [] : [`  API key  ${server.apiKey}${dev ? '' : paint('dim', '  shown only now')}`]),
    `  Data     ${readablePath(server.dataPlace)}`,
    `  Docs     ${paint('cyan', `${url}/docs`)}`,
    ...(dev && !isLoopback(config.host) ? [`  Note     ${config.host} can be reached from other machines too`] : []),
    '',
  ];
  if (dev || server.firstStart) lines.push(...firstSteps({ url, apiKey: server.apiKey, dev }));
  return `${lines.join('\n')}\n`;
}

function firstSteps({ url, apiKey, dev }: { url: string; apiKey: string | null; dev: boolean }): string[] {
  const receiver = dev ? 'http://127.0.0.1:3000/webhooks/broxi' : 'https://your-app.example/webhooks/broxi';
  // A key that is not shown is one that its owner has set: the shell that the lines are pasted into may know it too.
  const header =
    apiKey === null ? '"Authorization: Bearer $BROXI_API_KEY"' : shellQuote(`Authorization: Bearer ${apiKey}`);
  const post = (path: string, body: object) => [
    `  curl ${url}/v1/${path} \\`,
    `    -H ${header} \\`,
    `    -H 'Content-Type: application/json' \\`,
    `    -d ${shellQuote(JSON.stringify(body))}`,
  ];
  return [
    dev ? `Create a webhook for ${receiver}:` : `Create a webhook (with the address of your own receiver):`,
    '',
    ...post('webhooks', { url: receiver, events: ['*'] }),
    '',
    'Send it an event:',
    '',
    ...post('events', FIRST_EVENT),
    '',
  ];
}

/** A server that listens on every address is reached through loopback. */
function reachableUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function readablePath(path: string): string {
  if (path.includes('://')) return path;
  const fromHere = relative('', path);
  return fromHere.startsWith('..') ? path : `./${fromHere}`;
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
