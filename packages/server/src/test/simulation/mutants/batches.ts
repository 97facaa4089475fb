import type { Mutant } from '../mutant.ts';

/** Of batches. */
export const BATCHES: readonly Mutant[] = [
  {
    name: 'a batch goes when it is all but full',
    file: 'deliver/gathering.ts',
    find: 'group.isFull = group.count >= size;',
    replace: 'group.isFull = group.count >= size - 1;',
  },
  {
    name: 'a batch has one member too many',
    file: 'deliver/gathering.ts',
    find: 'group.isFull = group.count >= size;',
    replace: 'group.isFull = group.count > size;',
  },
  {
    name: 'a batch goes at half its time',
    file: 'deliver/gathering.ts',
    find: '(this.#config?.timeout ?? 0) * 1000',
    replace: '(this.#config?.timeout ?? 0) * 500',
  },
  {
    name: 'nobody is woken when the time of a batch is over',
    file: 'deliver/gatherer.ts',
    find: 'if (at !== null) this.#options.resumeAt(lane, at);',
    replace: '',
  },
  {
    name: 'a batch has members of several types',
    file: 'deliver/gathering.ts',
    find: 'const key = keyOf({ eventType, route });',
    replace: "const key = keyOf({ eventType: '', route });",
  },
  {
    name: 'a member is taken for two batches',
    file: 'deliver/gathering.ts',
    find: 'if (this.#known.has(member.seq)) continue;',
    replace: '',
  },
  {
    name: 'news of what waits for a batch is not heard',
    file: 'deliver/engine.ts',
    find: 'if (wake.gathering !== null) lane.readFrom(DELIVERY_CLASS.gathering, wake.gathering);',
    replace: '',
  },
  {
    name: 'a batch that could not be made is given up',
    file: 'deliver/gatherer.ts',
    find: 'lane.gathering.fail(batch, until);',
    replace: '',
  },
  {
    name: 'members wait for a batch that is never made when batching ended',
    file: 'deliver/gatherer.ts',
    find: 'if (read.length > 0) await this.#release(lane);',
    replace: '',
  },
  {
    name: 'all of a batch goes again when some of it failed',
    file: 'deliver/conclude.ts',
    find: 'members.filter(({ id }) => failed.has(id))',
    replace: 'members.filter(({ id }) => failed.has(id) || true)',
  },
  {
    name: 'members of a batch that failed are dropped',
    file: 'domain/batch-answer.ts',
    find: 'if (failed.length === 0) return outcome;',
    replace: 'if (failed.length >= 0) return outcome;',
  },
  {
    name: 'members of a batch that failed begin anew',
    file: 'deliver/conclude.ts',
    find: 'return { atFallback, attemptsUsed: attemptsInSeries, start: { state, dueAt }, formedAt };',
    replace: 'return { atFallback, attemptsUsed: 0, start: { state, dueAt }, formedAt };',
  },
  {
    name: 'nobody is woken for members of a batch that failed',
    file: 'deliver/landing.ts',
    find: 'places.push({ dueAt: start.dueAt, seq: 0 });',
    replace: '{}',
  },
  {
    name: 'a batch has failed members that it never had',
    file: 'domain/batch-answer.ts',
    find: 'if (unknown !== undefined)',
    replace: 'if (unknown === null)',
  },
  {
    name: 'an answer to a batch that is cut off takes all of it',
    file: 'domain/batch-answer.ts',
    find: '/"failed"\\s*:/.test(text) ? CUT_OFF : []',
    replace: '/"failed"\\s*:/.test(text) ? [] : []',
  },
  {
    name: 'a batch that is too large fails',
    file: 'domain/batch-answer.ts',
    find: 'result.status === 413 &&',
    replace: 'result.status === 499 &&',
  },
  {
    name: 'halves of a batch have no attempts of their own',
    file: 'deliver/conclude.ts',
    find: 'return { atFallback, attemptsUsed: 0, start, formedAt };',
    replace: 'return { atFallback, attemptsUsed: 1, start, formedAt };',
  },
];
