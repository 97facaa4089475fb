/** A small breakage of the product: a text in one of its files, and what stands there instead. */
export interface Mutant {
  name: string;
  /** Below `packages/server/src/`. */
  file: string;
  /** Found exactly once in that file. */
  find: string;
  replace: string;
}

/** Breaks a rule of the contract in each of its parts; the last ones are errors that the simulation found. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'one attempt too many',
    file: 'domain/delivery.ts',
    find: 'attemptsInSeries >= policy.attemptsAllowed',
    replace: 'attemptsInSeries > policy.attemptsAllowed',
  },
  {
    name: 'excused attempts are charged',
    file: 'domain/delivery.ts',
    find: 'dueAt: at(excusedUntil), uncharged: true }',
    replace: 'dueAt: at(excusedUntil) }',
  },
  {
    name: 'a 410 is charged',
    file: 'domain/delivery.ts',
    find: 'dueAt: at(now), uncharged: true }',
    replace: 'dueAt: at(now) }',
  },
  {
    name: 'Retry-After does not put off its delivery',
    file: 'domain/delivery.ts',
    find: 'Math.max(Math.ceil(delayMs), outcome.retryAfterMs ?? 0)',
    replace: 'Math.ceil(delayMs)',
  },
  {
    name: 'Retry-After does not put off the others',
    file: 'deliver/lane-destination.ts',
    find: 'Math.max(this.#known.notBefore, closedOffUntil(',
    replace: 'Math.max(0, closedOffUntil(',
  },
  {
    name: 'delays double too early',
    file: 'domain/retry-policy.ts',
    find: '2 ** (n - 1)',
    replace: '2 ** n',
  },
  {
    name: 'jitter beyond its share',
    file: 'domain/retry-policy.ts',
    find: 'jitter * (2 * random - 1)',
    replace: 'jitter * (4 * random - 1)',
  },
  {
    name: 'trouble with a proxy is the fault of the receiver',
    file: 'domain/attempt.ts',
    find: `'out_of_sockets', 'proxy']`,
    replace: `'out_of_sockets']`,
  },
  {
    name: '410 is an answer like 404',
    file: 'domain/attempt.ts',
    find: `if (result.status === 410) return { kind: 'gone', reason };`,
    replace: '',
  },
  {
    name: '408 counts for nothing in a circuit',
    file: 'domain/circuit.ts',
    find: `result.status >= 500 || result.status === 408`,
    replace: 'result.status >= 500',
  },
  {
    name: 'what was in the air closes the circuit again',
    file: 'domain/circuit.ts',
    find: 'if (!isProbe) return circuit;',
    replace: '',
  },
  {
    name: 'probes come every five seconds',
    file: 'domain/circuit.ts',
    find: 'FIRST_PROBE_MS * 2 ** failedProbes',
    replace: 'FIRST_PROBE_MS',
  },
  {
    name: 'no ramp after an outage',
    file: 'domain/circuit.ts',
    find: 'width: 1, widenAt',
    replace: 'width: 8, widenAt',
  },
  {
    name: 'seven failures in a row open a circuit, and not five',
    file: 'domain/outcome-window.ts',
    find: 'const FAILURES_IN_A_ROW = 5',
    replace: 'const FAILURES_IN_A_ROW = 7',
  },
  {
    name: 'half of the attempts open a circuit',
    file: 'domain/outcome-window.ts',
    find: 'const FAILED_SHARE = 0.7',
    replace: 'const FAILED_SHARE = 0.5',
  },
  {
    name: 'failures before an outage open the circuit after it',
    file: 'deliver/lane-health.ts',
    find: `this.#beginAnew(evidence, now);`,
    replace: '{}',
  },
  {
    name: 'given up after three days',
    file: 'domain/failing-streak.ts',
    find: 'const DISABLED_AFTER_MS = 5 * DAY_MS',
    replace: 'const DISABLED_AFTER_MS = 3 * DAY_MS',
  },
  {
    name: 'the rate limit counts half a period',
    file: 'domain/rate-limit.ts',
    find: 'oldest + this.#periodMs',
    replace: 'oldest + this.#periodMs / 2',
  },
  {
    name: 'first exchanges are not counted by the rate limit',
    file: 'deliver/engine.ts',
    find: 'lane.pacer?.start();',
    replace: '',
  },
  {
    name: 'the other signature does not wait for the rate limit',
    file: 'deliver/pacer.ts',
    find: 'if (at <= now) {',
    replace: 'if (at <= deadline) {',
  },
  {
    name: 'a rate limit that is new forgets what was sent',
    file: 'deliver/engine.ts',
    find: '[...sent, ...unrecorded].map',
    replace: '([] as number[]).map',
  },
  {
    name: 'one slot too many',
    file: 'deliver/lane.ts',
    find: 'Math.min(this.#slots - this.sending,',
    replace: 'Math.min(this.#slots + 1 - this.sending,',
  },
  {
    name: 'a pause stops nothing',
    file: 'deliver/lane.ts',
    find: '|| pausedAt !== null ||',
    replace: '||',
  },
  {
    name: 'news of a change is not heard',
    file: 'deliver/engine.ts',
    find: 'if (wake.changed) lane.stale = true;',
    replace: '',
  },
  {
    name: 'news of what was put back is not heard',
    file: 'deliver/engine.ts',
    find: 'if (wake.recovered) lane.rewind([DELIVERY_CLASS.recovered]);',
    replace: '',
  },
  {
    name: 'nobody is woken for a retry',
    file: 'deliver/engine.ts',
    find: 'this.#wakeAt(lane, next.dueAt);',
    replace: '',
  },
  {
    name: 'the sweep reads on where it was',
    file: 'deliver/engine.ts',
    find: 'lane.rewind();\n        // That an attempt disabled',
    replace: '// That an attempt disabled',
  },
  {
    name: 'a read takes what is known already',
    file: 'deliver/lane.ts',
    find: 'if (this.#known.has(delivery.id)) continue;',
    replace: '',
  },
  {
    name: 'retries wait for all first attempts',
    file: 'deliver/lane.ts',
    find: 'const FIRST_ONES_PER_OLD_ONE = 3',
    replace: 'const FIRST_ONES_PER_OLD_ONE = 300',
  },
  {
    name: 'retries take all slots',
    file: 'deliver/lane.ts',
    find: 'const SLOTS_PER_OLD_ONE = 4',
    replace: 'const SLOTS_PER_OLD_ONE = 1',
  },
  {
    name: 'an open circuit probes with the next one, and not the oldest',
    file: 'deliver/engine.ts',
    find: 'lane.takeProbe(now) ?? lane.take(now)',
    replace: 'lane.take(now)',
  },
  {
    name: 'probes are attempts like others',
    file: 'deliver/engine.ts',
    find: "isProbe: way.destination.circuit.state === 'open',",
    replace: 'isProbe: false,',
  },
  {
    name: 'an outcome that the disk cannot take is thrown away',
    file: 'deliver/settle.ts',
    find: 'return await this.#settleLater(settlement);',
    replace: 'return false;',
  },
  {
    name: 'attempts take twice their time',
    file: 'deliver/attempt-delivery.ts',
    find: 'webhook.config.timeout * 1000',
    replace: 'webhook.config.timeout * 2000',
  },
  {
    name: 'the body is made anew for each attempt',
    file: 'deliver/attempt-delivery.ts',
    find: 'const body = template.body(delivery);',
    replace: `const body = template.body(delivery).replace('"n":', number > 1 ? '"m":' : '"n":');`,
  },
  {
    name: 'the signature that worked is not remembered',
    file: 'domain/signing-plan.ts',
    find: `remembersBody ? ['body', 'timestamped'] : `,
    replace: '',
  },
  {
    name: 'a 410 disables in memory alone',
    file: 'deliver/engine.ts',
    find: 'landed.disable = { reason, at: now };',
    replace: '{}',
  },
  {
    name: 'what a deleted webhook is owed stays',
    file: 'deliver/engine.ts',
    find: 'this.#read(lane, () => this.#cancelAll(lane));',
    replace: '{}',
  },
  {
    name: 'a stop goes on starting',
    file: 'deliver/engine.ts',
    find: 'this.#running = false;',
    replace: '',
  },
  {
    name: 'answers before the disk has it',
    file: 'store/sqlite/commit-group.ts',
    find: 'Promise.all([this.#options.sync(), ...this.#syncs])',
    replace: 'Promise.all([void this.#options.sync().catch(() => {}), ...this.#syncs])',
  },
  {
    name: 'news of what was undone is told',
    file: 'store/sqlite/commit-group.ts',
    find: 'afterRollback();',
    replace: '',
  },
  {
    name: 'no news of first attempts',
    file: 'store/sqlite/wake-list.ts',
    find: 'wake.first = true;',
    replace: '',
  },
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
    name: 'found: a probe that is not the oldest, after a cancel that the disk refused',
    file: 'deliver/lane.ts',
    find: 'if (oldest === undefined || isDueBefore(delivery, oldest)) oldest = delivery;',
    replace:
      'if (oldest?.class === delivery.class) continue;\n      if (oldest === undefined || isDueBefore(delivery, oldest)) oldest = delivery;',
  },
  {
    name: 'found: a retry stays behind a read that came past it',
    file: 'deliver/read-progress.ts',
    find: 'if (cursor !== null && !isDueBefore(cursor, place)) this.rewind([DELIVERY_CLASS.retry]);',
    replace: '',
  },
  {
    name: 'found: late news brings back what was cancelled',
    file: 'deliver/engine.ts',
    find: 'clock.after(0, () => {',
    replace: 'lane.forget(deliveryId);\n      clock.after(0, () => {',
  },
  {
    name: 'found: a 410 of the old URL stops the new one',
    file: 'deliver/engine.ts',
    find: 'if (landed.disable !== undefined) lane.disablingEnded();',
    replace: '',
  },
  {
    name: 'found: a write is refused although the disk may keep it',
    file: 'store/sqlite/commit-group.ts',
    find: `        this.#breakDown(cause);`,
    replace: `        for (const job of jobs) job.failed(new StoreUnavailableError('', cause));\n        this.#breakDown(cause);`,
  },
  {
    name: 'found: an outcome from before a resume undoes it',
    file: 'test/simulation/store/memory-queue.ts',
    find: 'hold.resumedAt >= at || ',
    replace: '',
  },
  {
    name: 'found: what a former secret taught comes back',
    file: 'test/simulation/store/memory-deliveries.ts',
    find: 'if (!isKept) return;',
    replace: 'if (isKept === null) return;',
  },
];
