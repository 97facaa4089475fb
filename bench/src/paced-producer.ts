import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { nowMicroseconds } from './latency-receiver.ts';
import { sampleEvent, typeInTurn } from './sample-event.ts';

/** One event as its producer saw it; microseconds on the clock of `nowMicroseconds`. */
export interface Sent {
  /** The id that the answer gave it. */
  id: string;
  /** When it was to leave, and when it left. */
  plannedAt: number;
  sentAt: number;
  /** When the answer was there. */
  acknowledgedAt: number;
}

export interface Production {
  /** The measured events that were acknowledged, without those of the warm-up. */
  sent: Sent[];
  /** All events that were acknowledged, those of the warm-up included. */
  acknowledged: number;
  /** Measured events that were not acknowledged. */
  failed: number;
}

export interface Pace {
  /** `http://127.0.0.1:<port>` */
  origin: string;
  apiKey: string;
  /** Events per second. */
  rate: number;
  warmUpSeconds: number;
  seconds: number;
  /** The types that the events have in turn; at least one. */
  types: readonly string[];
}

/**
 * Sends events at a steady rate over connections that stay open, whether or not the earlier ones have been answered (an
 * open loop): a system that stalls gets the events of the stall all the same, and each of them counts.
 */
export async function produce(pace: Pace): Promise<Production> {
  const { origin, apiKey, rate, warmUpSeconds, seconds, types } = pace;
  const pool = new Pool(origin, { connections: 64, pipelining: 1 });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` };
  const result: Production = { sent: [], acknowledged: 0, failed: 0 };
  const warmUps = warmUpSeconds * rate;
  const total = (warmUpSeconds + seconds) * rate;

  async function send(n: number, plannedAt: number): Promise<void> {
    const sentAt = nowMicroseconds();
    try {
      const body = sampleEvent(n, typeInTurn(n, types));
      const answer = await pool.request({ method: 'POST', path: '/v1/events', headers, body });
      const acknowledgedAt = nowMicroseconds();
      const accepted: unknown = await answer.body.json();
      const id = typeof accepted === 'object' && accepted !== null && 'id' in accepted ? accepted.id : undefined;
      if (answer.statusCode !== 202 || typeof id !== 'string') throw new Error(`answered ${answer.statusCode}`);
      result.acknowledged += 1;
      if (n >= warmUps) result.sent.push({ id, plannedAt, sentAt, acknowledgedAt });
    } catch {
      if (n >= warmUps) result.failed += 1;
    }
  }

  const startAt = nowMicroseconds();
  const underWay: Promise<void>[] = [];
  while (underWay.length < total) {
    const plannedAt = startAt + (underWay.length * 1e6) / rate;
    const early = plannedAt - nowMicroseconds();
    // A timer wakes up to a millisecond late; what is due by then leaves at once.
    if (early > 0) await sleep(early / 1000);
    else underWay.push(send(underWay.length, plannedAt));
  }
  await Promise.all(underWay);
  await pool.close();
  return result;
}

if (import.meta.main) {
  const [origin = '', apiKey = '', types = '', ...numbers] = process.argv.slice(2);
  const [rate = 0, warmUpSeconds = 0, seconds = 0] = numbers.map(Number);
  console.log(JSON.stringify(await produce({ origin, apiKey, rate, warmUpSeconds, seconds, types: types.split(',') })));
}
