import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { apiKeyOfEnvironment } from '../config.ts';
import { InvalidSettingError } from '../errors.ts';
import { DEV_API_KEY_FILE } from '../key-files.ts';
import { describeAnswer } from './describe-answer.ts';
import { EXIT_FAILURE } from './exit-codes.ts';
import { sampleData } from './sample-event.ts';

export interface SendFlags {
  /** Base address of the server. */
  url: string;
  file?: string;
  sample?: true;
  key?: string;
  id?: string;
}

/** The part of a process that `send` uses. */
export interface SendProcess {
  stdin: NodeJS.ReadableStream;
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  exitCode?: number | string | null | undefined;
}

const TIMEOUT_MS = 30_000;

/** Where a dev server that was started in this folder keeps its key. */
const DEV_API_KEY_PATH = join('broxi-data', DEV_API_KEY_FILE);

/**
 * `broxi-webhooks send`: posts one event and prints the answer. Exit code 0 if it was accepted, 1 if the server refused it or
 * could not be reached. @throws InvalidSettingError for a flag that is not acceptable (exit code 2)
 */
export async function send(event: string, flags: SendFlags, host: SendProcess = process): Promise<void> {
  const url = eventsUrl(flags.url);
  if (flags.file !== undefined && flags.sample)
    throw new InvalidSettingError('--file and --sample exclude each other.');
  const data = flags.file === undefined ? sampleData(event) : await readData(flags.file, host.stdin);
  const key = keyOfFlag(flags.key) ?? apiKeyOfEnvironment() ?? devApiKey(url);
  // The text of the data goes out as it is: parsing and printing it again would alter numbers beyond 2^53 unseen.
  const id = flags.id === undefined ? '' : `"id":${JSON.stringify(flags.id)},`;
  const body = `{${id}"event":${JSON.stringify(event)},"data":${data}}`;
  let response: Response;
  let answer: string;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = await response.text();
  } catch (error) {
    host.stderr.write(
      `${url.origin} did not answer (${reasonOf(error)}). Is a server running there? \`broxi-webhooks dev\` starts one.\n`,
    );
    host.exitCode = EXIT_FAILURE;
    return;
  }
  const description = describeAnswer(response, answer);
  if (response.status === 202) {
    host.stdout.write(description);
    return;
  }
  host.stderr.write(description);
  host.exitCode = EXIT_FAILURE;
}

function eventsUrl(base: string): URL {
  const url = URL.parse(base.endsWith('/') ? base : `${base}/`);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidSettingError(
      `--url is ${JSON.stringify(base)}: expected an address such as http://127.0.0.1:8080.`,
    );
  }
  return new URL('v1/events', url);
}

async function readData(file: string, stdin: NodeJS.ReadableStream): Promise<string> {
  const source = file === '-' ? 'Standard input' : file;
  let content: string;
  try {
    content = file === '-' ? await text(stdin) : readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidSettingError(`--file: ${source} cannot be read (${reasonOf(error)}).`);
  }
  const data = content.replace(/^\uFEFF/, '').trim();
  try {
    JSON.parse(data);
  } catch (error) {
    throw new InvalidSettingError(`--file: ${source} is not JSON (${reasonOf(error)}).`);
  }
  return data;
}

function keyOfFlag(key: string | undefined): string | undefined {
  if (key === undefined || /^[\x21-\x7e]+$/.test(key)) return key;
  throw new InvalidSettingError('--key is not acceptable: expected printable ASCII characters without spaces.');
}

/** The key of a dev server, which never goes to another machine. @throws InvalidSettingError if there is none */
function devApiKey(url: URL): string {
  const wanted = 'give the API key with --key or BROXI_API_KEY';
  if (!/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname))
    throw new InvalidSettingError(`${url.origin}: ${wanted}.`);
  try {
    return readFileSync(DEV_API_KEY_PATH, 'utf8').trim();
  } catch {
    throw new InvalidSettingError(`There is no ${DEV_API_KEY_PATH} in this folder: ${wanted}.`);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch hides the reason behind "fetch failed".
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
