import { Agent, request } from 'node:http';
import { TEST_API_KEY } from '../start-server.ts';

/** One event, as its producer knows it. */
export interface Publication {
  /** Unique; travels as `data.run_id`. */
  key: string;
  /** Sent with `id`, so that it may be sent again. */
  idempotent: boolean;
  /** The events that answers of 202 named. More than one is a breach. */
  eventIds: Set<string>;
  /** How many kills came before the first 202; null: there was none. */
  acknowledgedIn: number | null;
  /** When the first 202 came, on the monotonic clock. */
  acknowledgedAt: number | null;
  /** An answer that was no 202 came, so nothing of it may be recorded. */
  refusedWith: number | null;
}

export interface LoadOptions {
  /** Events that are begun per second, as far as there are free connections. */
  ratePerSecond: number;
  /** How many kills there were so far. */
  era: () => number;
  /** Requests in the air at most. Default 64. */
  connections?: number;
  /** Length of the text in each event. Default 200. */
  textLength?: number;
  /** What the key of every event begins with. Default `event`. */
  prefix?: string;
}

/** An answer that was no 202. */
export interface Refusal {
  status: number;
  body: string;
  /** The header. */
  retryAfter: string | null;
}

const TICK_MS = 10;
const GIVE_UP_MS = 15_000;

/**
 * A producer with a good memory. Every event is sent once; those with an id of their own are sent again on demand.
 *
 * paused --resume--> running --pause (waits for what is in the air)--> paused
 */
export class Load {
  readonly ledger = new Map<string, Publication>();
  readonly refusals: Refusal[] = [];
  readonly #options: Required<LoadOptions>;
  readonly #agent: Agent;
  readonly #inTheAir = new Set<Promise<void>>();
  #urls: readonly string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #count = 0;

  constructor(options: LoadOptions) {
    this.#options = { connections: 64, textLength: 200, prefix: 'event', ...options };
    this.#agent = new Agent({ keepAlive: true, maxSockets: this.#options.connections });
  }

  get acknowledged(): Publication[] {
    return [...this.ledger.values()].filter(({ acknowledgedIn }) => acknowledgedIn !== null);
  }

  /** @param urls of the servers, which take turns; of one that runs, these from now on */
  resume(urls: readonly string[]): void {
    this.#urls = urls;
    const startedAt = performance.now();
    const before = this.#count;
    this.#timer ??= setInterval(() => {
      const due = before + ((performance.now() - startedAt) / 1000) * this.#options.ratePerSecond;
      // What found no free connection is not made up for later: a producer that is held up sends less.
      while (this.#count < due && this.#inTheAir.size < this.#options.connections) this.#publishNew();
    }, TICK_MS);
  }

  async pause(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await Promise.all(this.#inTheAir);
    this.#agent.destroy();
  }

  /** Sends events that have an id of their own once more. */
  async publishAgain(publications: readonly Publication[], url: string): Promise<void> {
    for (const publication of publications) await this.#publish(publication, url);
  }

  #publishNew(): void {
    const count = this.#count++;
    const publication: Publication = {
      key: `${this.#options.prefix}-${count}`,
      idempotent: count % 2 === 0,
      eventIds: new Set(),
      acknowledgedIn: null,
      acknowledgedAt: null,
      refusedWith: null,
    };
    this.ledger.set(publication.key, publication);
    const sent = this.#publish(publication, this.#urls[count % this.#urls.length] ?? '').finally(() =>
      this.#inTheAir.delete(sent),
    );
    this.#inTheAir.add(sent);
  }

  /** Never rejects: a connection that breaks leaves the event in doubt. */
  async #publish(publication: Publication, url: string): Promise<void> {
    const { key, idempotent } = publication;
    const data = { workflow_id: 'faults', run_id: key, output: { text: key.padEnd(this.#options.textLength, '.') } };
    const answer = await this.#post(
      `${url}/v1/events`,
      JSON.stringify({ event: 'workflow.completed', data, ...(idempotent ? { id: key } : {}) }),
    );
    if (answer === null) return;
    if (answer.status === 202) {
      // A status that arrived is a promise, even if a kill cut off what followed.
      publication.acknowledgedIn ??= this.#options.era();
      publication.acknowledgedAt ??= performance.now();
      const id = /"id":"(evt_\w+)"/.exec(answer.body)?.[1];
      if (id !== undefined) publication.eventIds.add(id);
    } else {
      publication.refusedWith ??= answer.status;
      this.refusals.push(answer);
    }
  }

  #post(url: string, body: string): Promise<Refusal | null> {
    return new Promise((resolve) => {
      const headers = {
        authorization: `Bearer ${TEST_API_KEY}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      };
      const outgoing = request(
        url,
        { method: 'POST', headers, agent: this.#agent, timeout: GIVE_UP_MS },
        (response) => {
          let text = '';
          const answer = () => ({
            status: response.statusCode ?? 0,
            body: text,
            retryAfter: response.headers['retry-after'] ?? null,
          });
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve(answer()));
          response.on('error', () => resolve(answer()));
        },
      );
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', () => resolve(null));
      outgoing.end(body);
    });
  }
}
