import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import type { ExchangeResult, ExchangeTiming } from '../domain/attempt.ts';
import type { GuardedAgent } from './address-guard.ts';
import { type ConnectionSteps, type ConnectionWatch, timingOf } from './exchange-timing.ts';
import { failureOf } from './failure-of.ts';

/** One HTTP request to a receiver. */
export interface OutgoingRequest {
  /** Absolute, http or https. */
  url: URL;
  /** Name, value, name, value, … */
  headers: readonly string[];
  body: string;
  /** On the monotonic clock: DNS, connect, TLS, headers and body must be over by then. */
  deadline: number;
  /** How much of the answer is read; the connection is dropped when more comes. */
  maxAnswerBytes: number;
}

/** What came of a request, and how long its phases took. */
export interface Reply {
  result: ExchangeResult;
  timing: ExchangeTiming;
}

/** Makes one exchange. Never rejects: what goes wrong is part of the answer. */
export type SendRequest = (request: OutgoingRequest) => Promise<Reply>;

/** How much of an answer is kept, and read where nothing depends on it. */
export const MAX_ANSWER_BYTES = 16 * 1024;
/** How much is read of the answer to a batch, which may name a thousand members. */
export const MAX_BATCH_ANSWER_BYTES = 128 * 1024;

/**
 * Sends over an undici agent. Redirects are not followed and nothing is decompressed: undici's bare dispatch does
 * neither. The deadline holds over everything, also for a receiver that drips its answer.
 */
export function createSendRequest(agent: GuardedAgent, clock: Clock): SendRequest {
  const observed = { clock, connections: agent.connections };
  return ({ url, headers, body, deadline, maxAnswerBytes }) =>
    new Promise((resolve) => {
      const exchange = new PendingExchange(resolve, { ...observed, maxAnswerBytes });
      const remainingMs = deadline - clock.monotonic();
      if (remainingMs <= 0) {
        exchange.abandon();
        return;
      }
      exchange.cancelDeadline = clock.after(remainingMs, () => exchange.abandon());
      agent.connections.begun = null;
      try {
        agent.dispatch(
          {
            origin: url.origin,
            path: url.pathname + url.search,
            method: 'POST',
            headers: headers as string[],
            body,
            headersTimeout: 0,
            bodyTimeout: 0,
          },
          exchange,
        );
        exchange.connection ??= agent.connections.begun;
      } catch (error) {
        exchange.onResponseError(null, error instanceof Error ? error : new Error(String(error)));
      }
    });
}

const ABANDONED = new Error('the attempt is over');

/** Collects one answer. Settles once; whatever comes later is ignored. */
class PendingExchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (reply: Reply) => void;
  readonly #clock: Clock;
  readonly #connections: ConnectionWatch;
  #controller: Dispatcher.DispatchController | null = null;
  readonly #maxAnswerBytes: number;
  #settled = false;
  #status = 0;
  #headers: string[] = [];
  #chunks: Buffer[] = [];
  #bytes = 0;
  #requestedAt: number | null = null;
  #firstByteAt: number | null = null;
  /** The connection that is made for it; null: it has none yet, or uses one that was there. */
  connection: ConnectionSteps | null = null;
  cancelDeadline: () => void = () => {};

  constructor(
    resolve: (reply: Reply) => void,
    { clock, connections, maxAnswerBytes }: { clock: Clock; connections: ConnectionWatch; maxAnswerBytes: number },
  ) {
    this.#resolve = resolve;
    this.#maxAnswerBytes = maxAnswerBytes;
    this.#clock = clock;
    this.#connections = connections;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.connection ??= this.#connections.handedOver;
    this.#requestedAt = this.#clock.monotonic();
    // The deadline passed while it waited for a connection: nothing is sent any more.
    if (this.#settled) controller.abort(ABANDONED);
  }

  /** The first byte of an answer, or of a hint before it. */
  onResponseStarted(): void {
    this.#firstByteAt ??= this.#clock.monotonic();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // A 1xx is not the answer yet.
    if (status < 200) return;
    this.#status = status;
    const raw = controller.rawHeaders;
    if (Array.isArray(raw))
      this.#headers = raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = this.#maxAnswerBytes - this.#bytes;
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#bytes += Math.min(chunk.length, room);
    if (chunk.length <= room) return;
    this.#answer(true);
    controller.abort(ABANDONED);
  }

  onResponseEnd(): void {
    this.#answer(false);
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#settle({ kind: 'failed', ...failureOf(error) });
  }

  /** The deadline has come. */
  abandon(): void {
    const where =
      this.#status > 0
        ? `the answer ${this.#status} was not complete`
        : this.#controller
          ? 'no answer'
          : 'no connection';
    this.#settle({ kind: 'failed', failure: 'timeout', message: `${where} within the timeout` });
    if (this.#controller === null) this.connection?.socket?.destroy(ABANDONED);
    else this.#controller.abort(ABANDONED);
  }

  #answer(truncated: boolean): void {
    const body = this.#bytes === 0 ? '' : Buffer.concat(this.#chunks).toString('utf8');
    this.#settle({ kind: 'answered', status: this.#status, headers: this.#headers, body, truncated });
  }

  #settle(result: ExchangeResult): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#chunks = [];
    this.cancelDeadline();
    this.#resolve({ result, timing: timingOf(this.connection, this.#requestedAt, this.#firstByteAt) });
  }
}
