import { startServer } from '../start-server.ts';
import type { Finding } from './finding.ts';
import { fuzzBody } from './fuzz-body.ts';
import { HOSTILE_REQUESTS, type HostileRequest } from './hostile-requests.ts';
import { pathsOf, problemWith } from './problem-of.ts';
import { exchangeRaw, type RawAnswer, rawRequest } from './raw-exchange.ts';
import { seededRandom } from './seeded-random.ts';
import { withFolder } from './with-folder.ts';

/** Connections that send half a request and then nothing, all the while. */
const STALLED = 200;
/** More than the minute that a request may take to arrive, and the half in which the server looks for such. */
const STALLED_MS = 100_000;
const FUZZ_CONNECTIONS = 8;

/** Requests as nobody should send them, over sockets, to a server on which many others have stalled. */
export function input(options: { seed: number; bodies: number; awaitStalled?: boolean }): Promise<Finding> {
  return withFolder(async (folder) => {
    const server = await startServer(folder);
    const { url } = server;
    const stalled = Array.from({ length: STALLED }, () => stall(url));
    try {
      const breaches: string[] = [];
      const table: string[][] = [['request', 'answer']];
      for (const request of HOSTILE_REQUESTS) {
        const answer = await exchangeRaw({ url, ...request });
        table.push([request.about, describe(answer)]);
        breaches.push(...judge(request, answer).map((breach) => `${request.about}: ${breach}`));
      }
      const fuzzed = await fuzz(url, options);
      breaches.push(...fuzzed.breaches);
      table.push([`${options.bodies} random bodies, seed ${options.seed}`, fuzzed.answers]);
      const after = await exchangeRaw({
        url,
        parts: [post('{"event":"user.session.ended","data":{"user_id":"u","session_id":"s"}}')],
      });
      if (after.status !== 202) breaches.push(`afterwards a good event was answered ${after.status}: ${after.body}`);
      if (options.awaitStalled) {
        const answers = await Promise.all(stalled);
        const wrong = answers.filter(({ status }) => status !== 408);
        table.push([`${STALLED} stalled requests, in the end`, describe(answers[0] ?? after)]);
        breaches.push(...wrong.map((answer) => `a stalled request: ${describe(answer)} instead of 408`));
      }
      if (/failed|rror/.test(server.output())) breaches.push(`the server complained: ${server.output()}`);
      return { title: `input, beside ${STALLED} stalled requests`, table, breaches };
    } finally {
      await server.kill();
      await Promise.all(stalled);
    }
  });
}

function post(body: string): Buffer {
  return rawRequest('POST', '/v1/events', { body });
}

/** Lasts until the server has had enough of it. */
function stall(url: string): Promise<RawAnswer> {
  const half = post('{"event":"workflow.started"').subarray(0, -5);
  return exchangeRaw({ url, parts: [half], timeoutMs: STALLED_MS });
}

function judge({ status, paths, mayMissAnswer = false }: HostileRequest, answer: RawAnswer): string[] {
  if (mayMissAnswer && answer.status === 0 && answer.inTime) return [];
  if (answer.status !== status) return [`${describe(answer)} instead of ${status}: ${answer.body.slice(0, 300)}`];
  const problem = status >= 400 ? problemWith(answer) : null;
  if (problem !== null) return [problem];
  const named = pathsOf(answer.body);
  const missing = (paths ?? []).filter((path) => !named.includes(path));
  return missing.map((path) => `the problem does not name ${path}, but ${named.join(', ')}`);
}

function describe({ status, body, inTime }: RawAnswer): string {
  if (!inTime) return 'none in time';
  if (status === 0) return 'closed';
  const paths = pathsOf(body).filter((path) => path !== '' && path.length < 20);
  const code = /"code":"(\w+)"/.exec(body)?.[1];
  return [status, ...(code === undefined ? [] : [`\`${code}\``]), ...paths.map((path) => `\`${path}\``)].join(' ');
}

/** Each body gets 202 if it is JSON, else a problem that says where. */
async function fuzz(url: string, { seed, bodies }: { seed: number; bodies: number }) {
  const random = seededRandom(seed);
  const texts = Array.from({ length: bodies }, (_, i) => fuzzBody(random, `fuzz-${i}`));
  const breaches: string[] = [];
  const counts = new Map<number, number>();
  const queue = texts[Symbol.iterator]();
  const work = async () => {
    for (const text of queue) {
      const answer = await exchangeRaw({ url, parts: [post(text)] });
      counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
      const wrong = answer.status === 202 ? (isJson(text) ? null : 'what is no JSON was taken') : problemWith(answer);
      if (wrong !== null) breaches.push(`${JSON.stringify(text)}: ${wrong}`);
    }
  };
  await Promise.all(Array.from({ length: FUZZ_CONNECTIONS }, work));
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return { breaches, answers: sorted.map(([status, count]) => `${count} × ${status}`).join(', ') };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
