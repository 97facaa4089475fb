import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchError } from './bench-error.ts';
import type { ProcessGroup } from './processes.ts';
import { eventParts, SAMPLE_TYPE } from './sample-event.ts';

/** Events that one run may send at most: each run gets its own range of run ids. */
const EVENTS_PER_RUN = 10_000_000;

/** Threads are 10 at most. */
const EVENTS_PER_THREAD = EVENTS_PER_RUN / 10;

/** What the load generator saw. Latencies are of the answers to the producer, in milliseconds. */
export interface WrkResult {
  /** Answers with a status of 2xx or 3xx. */
  acknowledged: number;
  /** Answers with any other status. */
  refused: number;
  /** Connections that could not be made or broke, and answers that took over 30 s. */
  socketErrors: number;
  latencyP50Ms: number;
  latencyP99Ms: number;
}

export interface WrkLoad {
  /** Where the events are posted: at each of them a part of the connections. They differ in their hosts and ports alone. */
  urls: readonly string[];
  apiKey: string;
  connections: number;
  seconds: number;
  /** The types that the events have in turn. Default: the sample's own. */
  types?: readonly string[];
}

/** A load generator, one thread for each address, that keeps all its connections busy: the next event leaves when the last was answered. */
export class Wrk {
  readonly #group: ProcessGroup;
  readonly #file: string;
  readonly #directory: string;
  #runs = 0;

  /** @param directory exists; a script is written into it for each run */
  constructor(group: ProcessGroup, file: string, directory: string) {
    this.#group = group;
    this.#file = file;
    this.#directory = directory;
  }

  /** Throws a `BenchError` when nothing was answered at all or the run does not end in time. */
  async run(load: WrkLoad): Promise<WrkResult> {
    this.#runs += 1;
    const script = join(this.#directory, `wrk-${this.#runs}.lua`);
    await writeFile(script, wrkScript(load, this.#runs * EVENTS_PER_RUN));
    const [url = ''] = load.urls;
    const threads = `-t${load.urls.length}`;
    const args = [threads, `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', '30s', '-s', script, url];
    const stdout = await this.#group.run({ name: 'wrk', file: this.#file, args }, (load.seconds + 60) * 1000);
    return parseWrkOutput(stdout);
  }
}

/** @param stdout holds one line that starts with `RESULT `, which the script below prints at the end */
export function parseWrkOutput(stdout: string): WrkResult {
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1];
  const fields = line?.split(' ').map(Number) ?? [];
  const [requests, refused, socketErrors, p50, p99] = fields;
  if (
    requests === undefined ||
    refused === undefined ||
    socketErrors === undefined ||
    p50 === undefined ||
    p99 === undefined ||
    fields.some(Number.isNaN)
  ) {
    throw new BenchError(`wrk did not print a result:\n${stdout}`);
  }
  if (requests === 0) throw new BenchError(`wrk got no answer at all (${socketErrors} socket errors).`);
  return {
    acknowledged: requests - refused,
    refused,
    socketErrors,
    latencyP50Ms: p50 / 1000,
    latencyP99Ms: p99 / 1000,
  };
}

/** A request of each type is put together once; per event only the digits of the run id are new: the generator stays cheap. */
function wrkScript({ urls, apiKey, types = [SAMPLE_TYPE] }: WrkLoad, firstEvent: number): string {
  const { after, digits } = eventParts(SAMPLE_TYPE);
  const befores = types.map((type) => `[==[${eventParts(type).before}]==]`);
  const hosts = urls.map((url) => `{ "${new URL(url).hostname}", "${new URL(url).port}" }`);
  return `local hosts = { ${hosts.join(', ')} }
local befores = { ${befores.join(', ')} }
local after = [==[${after}]==]
local heads = {}
local threads = 0

function setup(thread)
  local host = hosts[threads % #hosts + 1]
  thread.addr = wrk.lookup(host[1], host[2])[1]
  thread:set("n", ${firstEvent} + threads * ${EVENTS_PER_THREAD})
  threads = threads + 1
end

function init()
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer ${apiKey}"
  local tail = string.rep("0", ${digits}) .. after
  for index, before in ipairs(befores) do
    local whole = wrk.format(nil, nil, nil, before .. tail)
    heads[index] = whole:sub(1, #whole - #tail)
  end
end

function request()
  n = n + 1
  return heads[n % #heads + 1] .. string.format("%0${digits}d", n) .. after
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, e.status,
    e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`;
}
