/** A small breakage of the product: a text in one of its files, and what stands there instead. */
export interface Mutant {
  name: string;
  /** Below `packages/server/src/`. */
  file: string;
  /** Found exactly once in that file. */
  find: string;
  replace: string;
}

/** Breaks a rule in each of its parts; the last ones are errors that the simulation found. */
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
    file: 'deliver/lane-reader.ts',
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
    find: 'lane.putOff({ dueAt, seq });\n      this.#wakeAt(lane, dueAt);',
    replace: 'lane.putOff({ dueAt, seq });',
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
    find: 'this.#known.has(delivery.id) || ',
    replace: '',
  },
  {
    name: 'retries wait for all first attempts',
    file: 'deliver/waiting-lines.ts',
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
    name: 'a thin body tells everything',
    file: 'domain/delivery-body.ts',
    find: `payload === 'thin'`,
    replace: 'false',
  },
  {
    name: 'the webhook is asked again whether a body is thin',
    file: 'deliver/build-request.ts',
    find: 'deliveryId: id, event, payload })',
    replace: 'deliveryId: id, event, payload: webhook.config.payload })',
  },
  {
    name: 'a replay forgets that it is thin',
    file: 'test/simulation/store/memory-queue.ts',
    find: 'const decided = { route, run, payload };',
    replace: `const decided = { route, run, payload: 'full' } as const;`,
  },
  {
    name: 'the signature that worked is not remembered',
    file: 'domain/signing-plan.ts',
    find: `remembersBody ? ['body', 'timestamped'] : `,
    replace: '',
  },
  {
    name: 'a 410 disables in memory alone',
    file: 'deliver/landing.ts',
    find: 'landed.disable = { reason, at: now };',
    replace: '{}',
  },
  {
    name: 'what a deleted webhook is owed stays',
    file: 'deliver/engine.ts',
    find: 'this.#read(lane, () => this.#reader.cancelAll(lane));',
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
    file: 'store/wake-list.ts',
    find: 'wake.first ??= { dueAt: delivery.dueAt, seq: delivery.seq };',
    replace: '',
  },
  {
    name: 'a lane that is another process’s goes on',
    file: 'deliver/engine.ts',
    find: 'lane.isLeaving || !this.#ownership.owns(lane.id)',
    replace: 'false',
  },
  {
    name: 'a lane is let go with something in the air',
    file: 'deliver/engine.ts',
    find: 'await this.#departures.until(lost.filter((lane) => !lane.isIdle));',
    replace: '',
  },
  {
    name: 'a lane that came back while it was leaving is not begun anew',
    file: 'deliver/engine.ts',
    find: 'if (this.#ownership.owns(lane.id)) this.resume(this.#lane(lane.id));',
    replace: '',
  },
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
    file: 'deliver/waiting-lines.ts',
    find: 'if (oldest === undefined || isDueBefore(delivery, oldest)) oldest = delivery;',
    replace:
      'if (oldest?.class === delivery.class) continue;\n      if (oldest === undefined || isDueBefore(delivery, oldest)) oldest = delivery;',
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
  {
    name: 'two of a run at a time',
    file: 'deliver/run-order.ts',
    find: 'this.keeps(run) ? this.#held.get(run)?.[0] : undefined',
    replace: 'undefined',
  },
  {
    name: 'news is taken for the heads of its runs',
    file: 'deliver/lane.ts',
    find: 'handedOver.filter(({ run }) => !this.runs.keeps(run))',
    replace: 'handedOver',
  },
  {
    name: 'nobody looks for the next of a run',
    file: 'deliver/engine.ts',
    find: 'lane.runs.lookAt(delivery.run);',
    replace: '',
  },
  {
    name: 'the next of a run does not wait until the outcome is on disk',
    file: 'deliver/engine.ts',
    find: 'settlement = await this.#settle(input, landed);',
    replace: 'lane.forget(delivery.id);\n      settlement = await this.#settle(input, landed);',
  },
  {
    name: 'one that failed blocks nothing',
    file: 'deliver/lane-reader.ts',
    find: 'onExhausted: ordering.on_exhausted',
    replace: `onExhausted: 'skip'`,
  },
  {
    name: 'one that failed blocks all that are read after it',
    file: 'deliver/lane-reader.ts',
    find: `ordering?.on_exhausted ?? 'block'`,
    replace: `'block' as const`,
  },
  {
    name: 'one that is put back goes behind what waits in memory',
    file: 'deliver/lane.ts',
    find: 'delivery.seq < holder.seq &&',
    replace: 'delivery.seq < 0 &&',
  },
  {
    name: 'news of a run whose head is cancelled is not heard',
    file: 'deliver/engine.ts',
    find: 'for (const run of wake.freed) lane.runs.lookAt(run);',
    replace: '',
  },
  {
    name: 'the next of a run does not wait until a cancelling is on disk',
    file: 'deliver/lane.ts',
    find: 'this.runs.ordering !== null && this.#cancelling > 0',
    replace: 'false',
  },
  {
    name: 'what was read without an order goes without it',
    file: 'deliver/lane.ts',
    find: 'if (isSame) return;',
    replace: 'return;',
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
  {
    name: 'found: a read that began before an outcome was written brings its delivery back',
    file: 'deliver/lane.ts',
    find: ' || this.#isGone(delivery)',
    replace: '',
  },
  {
    name: 'found: what lands while the requests of a lane are read is not counted',
    file: 'deliver/lane-reader.ts',
    find: 'Array.from({ length: lane.unsettled }, () => now)',
    replace: '[]',
  },
  {
    name: 'found: what was put back while one class was read is passed by when the next one is',
    file: 'deliver/lane.ts',
    find: `    this.#progress.begin(deliveryClass);
    this.#goneSince.clear();`,
    replace: '    this.#progress.begin(deliveryClass);',
  },
  {
    name: 'several nodes: an outcome is written without the fence',
    file: 'test/simulation/store/memory-queue.ts',
    find: '!isOurs(lane) || ',
    replace: '',
  },
  {
    name: 'several nodes: a lane is owned for as long as nobody says otherwise',
    file: 'store/postgres/membership.ts',
    find: 'return this.#isAlive && this.#owned.has(shardOf(lane));',
    replace: 'return this.#owned.has(shardOf(lane));',
  },
  {
    name: 'several nodes: a lease is reckoned from the answer',
    file: 'store/postgres/membership.ts',
    find: 'this.#renewed(askedAt + ',
    replace: 'this.#renewed(clock.monotonic() + ',
  },
  {
    name: 'several nodes: a lease is as long here as at the database',
    file: 'store/postgres/membership.ts',
    find: 'EXPIRES_MS - MARGIN_MS',
    replace: 'EXPIRES_MS + MARGIN_MS',
  },
  {
    name: 'several nodes: shards are taken from the living',
    file: 'test/simulation/store/memory-shared-tables.ts',
    find: 'if (owner !== null && owner !== nodeId && isAlive(owner)) return false;',
    replace: '',
  },
  {
    name: 'several nodes: nodes that are taken for dead are counted',
    file: 'store/postgres/shards.ts',
    find: 'owner === null || !alive.has(owner)',
    replace: 'owner === null || alive.size === 0',
  },
  {
    name: 'several nodes: a shard is given up while something is in the air',
    file: 'store/postgres/membership.ts',
    find: `    listener
      .letGo(isIn(new Set([number])))
      .then(`,
    replace: `    Promise.all([Promise.resolve(), void listener.letGo(isIn(new Set([number])))])
      .then(`,
  },
  {
    name: 'several nodes: nobody gives up anything for one that comes',
    file: 'store/postgres/shards.ts',
    find: 'giveUp: mine.slice(share)',
    replace: 'giveUp: []',
  },
  {
    name: 'several nodes: a stop gives up nothing',
    file: 'store/postgres/membership.ts',
    find: 'await this.#options.tables.resign(this.#options.nodeId)',
    replace: 'await Promise.resolve()',
  },
  {
    name: 'several nodes: due times are of the clock of a node',
    file: 'store/postgres/database-clock.ts',
    find: 'Math.round(base.now() + aheadMs)',
    replace: 'Math.round(base.now() + 0 * aheadMs)',
  },
  {
    name: 'several nodes: a beat does not look for news',
    file: 'store/postgres/cluster.ts',
    find: 'if (hasWakes) this.#take();',
    replace: 'void hasWakes;',
  },
  {
    name: 'several nodes: news that was committed as its lane went away is not written',
    file: 'store/postgres/cluster.ts',
    find: 'this.#addLate(others.filter(isLate));',
    replace: '',
  },
  {
    name: 'several nodes: what others sent is not counted',
    file: 'deliver/lane-reader.ts',
    find: 'const sent = await queue.exchangesSince(lane.id, now - limit.period * 1000);',
    replace: 'const sent: number[] = [];',
  },
  {
    name: 'several nodes: nothing is swept when lanes come',
    file: 'deliver/engine.ts',
    find: 'if (this.#running) void this.#sweep();',
    replace: '',
  },
  {
    name: 'several nodes: news for others is not written',
    file: 'test/simulation/store/memory-shared-tables.ts',
    find: 'for (const wake of wakes) {',
    replace: 'for (const wake of wakes.slice(0, 0)) {',
  },
  {
    name: 'several nodes: a lane that was let go is gone on with',
    file: 'deliver/engine.ts',
    find: 'for (const lane of lost) this.#leave(lane);',
    replace: '',
  },
  {
    name: 'found: news is lost with the answer to its taking',
    file: 'test/simulation/store/memory-shared-tables.ts',
    find: `      told(togetherByLane(prepared.taken));
      await ask(() => {
        prepared.transaction.commit();
        watch.passed('took news', nodeId);
      });`,
    replace: `      await ask(() => {
        prepared.transaction.commit();
        watch.passed('took news', nodeId);
      });
      told(togetherByLane(prepared.taken));`,
  },
  {
    name: 'found: a webhook was changed as its lane went away, and its owner was not told',
    file: 'store/postgres/cluster.ts',
    find: 'wake.changed || !own.has(wake)',
    replace: '!own.has(wake)',
  },
  {
    name: 'found: a read that is under way passes by what is put off meanwhile',
    file: 'deliver/read-progress.ts',
    find: 'this.#bound(DELIVERY_CLASS.retry, place);',
    replace: '',
  },
  {
    name: 'found: a lane that was forgotten as it came back has its turn all the same',
    file: 'deliver/engine.ts',
    find: `      this.#turns.delete(lane);
    }
    if (this.#running) void`,
    replace: `    }
    if (this.#running) void`,
  },
];
