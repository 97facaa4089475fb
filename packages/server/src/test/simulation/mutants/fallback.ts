import type { Mutant } from '../mutant.ts';

/** Of what goes to the fallback. */
export const FALLBACK: readonly Mutant[] = [
  {
    name: 'the fallback is passed over',
    file: 'domain/delivery.ts',
    find: "if (fallback === 'ahead')",
    replace: 'if (false)',
  },
  {
    name: 'the fallback is tried again and again',
    file: 'domain/target.ts',
    find: "if (isFallback) return 'here';",
    replace: "if (isFallback) return 'ahead';",
  },
  {
    name: 'the fallback is only for what used up its retries',
    file: 'domain/delivery.ts',
    find: 'return giveUp(outcome.reason);',
    replace: "return { state: 'failed', reason: outcome.reason };",
  },
  {
    name: 'the fallback is charged for the attempts before it',
    file: 'test/simulation/store/memory-queue.ts',
    find: '{ seriesFrom: attempt.number, atFallback: true }',
    replace: '{ atFallback: true }',
  },
  {
    name: 'what goes to the fallback goes to the own URL again',
    file: 'domain/target.ts',
    find: 'if (atFallback && fallback_url !== null) return',
    replace: 'if (false) return',
  },
  {
    name: 'own headers go to the fallback',
    file: 'domain/target.ts',
    find: 'url: fallback_url, headers: {},',
    replace: 'url: fallback_url, headers,',
  },
  {
    name: 'a fallback that is gone disables the webhook',
    file: 'deliver/attempt-delivery.ts',
    find: "isFallback && outcome.kind === 'gone'",
    replace: 'false',
  },
  {
    name: 'what the fallback takes keeps a webhook from being given up',
    file: 'deliver/lane-ways.ts',
    find: '[...this.#ways.values()].every(({ destination }) => destination.isHopeless(now))',
    replace: '[...this.destinations].every((destination) => destination.isHopeless(now))',
  },
  {
    name: 'a manual retry begins at the fallback',
    file: 'test/simulation/store/memory-queue.ts',
    find: '{ seriesFrom: row.attempts, atFallback: false }',
    replace: '{ seriesFrom: row.attempts }',
  },
  {
    name: 'the fallback and the own URL wait for each other',
    file: 'deliver/lane-ways.ts',
    find: 'this.#destinations.get(url) ?? known.before?.at(url)',
    replace: 'this.#destinations.get(webhook.config.url) ?? known.before?.at(url)',
  },
  {
    name: 'members of a batch that failed do not go to the fallback',
    file: 'deliver/conclude.ts',
    find: "outcome: { kind: 'retryable', reason, retryAfterMs: null }",
    replace: "fallback: 'none', outcome: { kind: 'retryable', reason, retryAfterMs: null }",
  },
  {
    name: 'members of a batch that go to the fallback have no attempts of their own there',
    file: 'deliver/conclude.ts',
    find: 'attemptsUsed: 0, start: { state, dueAt }',
    replace: 'attemptsUsed: attemptsInSeries, start: { state, dueAt }',
  },
  {
    name: 'members of a batch that failed at the fallback leave it',
    file: 'deliver/conclude.ts',
    find: 'return { atFallback, attemptsUsed: attemptsInSeries, start: { state, dueAt }, formedAt };',
    replace: 'return { atFallback: false, attemptsUsed: attemptsInSeries, start: { state, dueAt }, formedAt };',
  },
  {
    name: 'halves of a batch leave the fallback',
    file: 'deliver/conclude.ts',
    find: 'return { atFallback, attemptsUsed: 0, start, formedAt };',
    replace: 'return { atFallback: false, attemptsUsed: 0, start, formedAt };',
  },
  {
    name: 'halves of a batch at the fallback wait for the own URL',
    file: 'deliver/conclude.ts',
    find: "const start = atFallback ? ({ state: 'pending', dueAt: formedAt + 1 } as const) : 'at once';",
    replace: "const start = 'at once' as const;",
  },
];
