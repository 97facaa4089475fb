import type { SignatureScheme } from './attempt.ts';
import type { Destination } from './webhook.ts';

/** After this long the safer text is offered first again. */
export const SCHEME_RECHECK_MS = 24 * 3600 * 1000;

/**
 * The texts to sign, in the order in which the exchanges of one attempt offer them. A receiver that answers 400, 401 or 403
 * to one is offered the next at once; any other answer ends the attempt.
 *
 * `auto` starts with what the receiver took last, and once a day with `timestamped`, which protects from replays.
 */
export function signingPlan(
  scheme: 'auto' | SignatureScheme,
  destination: Pick<Destination, 'scheme' | 'schemeLearnedAt'>,
  now: number,
): readonly SignatureScheme[] {
  if (scheme !== 'auto') return [scheme];
  const remembersBody = destination.scheme === 'body' && now - destination.schemeLearnedAt < SCHEME_RECHECK_MS;
  return remembersBody ? ['body', 'timestamped'] : ['timestamped', 'body'];
}
