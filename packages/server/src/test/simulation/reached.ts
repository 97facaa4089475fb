/** What a run has to come across at least once, or it says nothing about it. */
export const STATES = [
  'a first attempt delivered',
  'a retry delivered',
  'a recovered delivery delivered',
  'a replay delivered',
  'a thin delivery delivered',
  'a delivery kept its payload over a change',
  'all attempts used up',
  'an answer that is not retried',
  'a timeout',
  'a network error',
  'an answer that is no HTTP',
  'a failure of our own',
  'Retry-After in seconds',
  'Retry-After as a date',
  'a webhook disabled by 410',
  'a webhook disabled after days without a success',
  'the other signature was offered',
  'the remembered signature came first',
  'no time for the other signature',
  'a circuit opened',
  'a probe failed',
  'a probe was answered',
  'an attempt in the ramp after an outage',
  'all slots were taken',
  'the rate limit was reached',
  'deliveries held by a person, and released',
  'deliveries held by 410, and released',
  'a retry waited beside first attempts',
  'an old one was started beside first attempts that waited',
  'a hung webhook beside a healthy one',
  'a person paused',
  'a person deactivated',
  'a person changed the URL',
  'a person changed the secret',
  'a person changed a limit',
  'a person deleted a webhook that was owed something',
  'a person put a delivery back',
  'a person cancelled a delivery',
  'a person could not cancel what was in the air',
  'a person replayed a delivery',
  'a test was sent',
  'a test closed a circuit',
  'a publish was refused by a full disk',
  'an outcome waited for a full disk',
  'a read failed',
  'a sync failed',
  'a crash with nothing in the air',
  'a crash between send and answer',
  'a crash between answer and settle',
  'a crash between commit and sync',
  'a crash that lost what was committed',
  'a crash that kept what nobody was told of',
  'a crash before the answer to a publish',
  'a delivery was sent again after a crash',
  'a batch was made because it was full',
  'a batch was made because its time was over',
  'a batch delivered',
  'members of a batch failed, and went on in another',
  'members of a batch failed with its last attempt',
  'an answer to a batch that could not be relied on',
  'a batch was split',
  'members went by themselves when batching ended',
  'a person cancelled a member before its batch was made',
  'a crash between the making of a batch and its sending',
  'a batch was sent again after a crash',
  'a person put a batch back',
  'a delivery went to the fallback',
  'a delivery whose fallback was taken out went to its own URL',
  'the fallback took a delivery',
  'the fallback did not take a delivery either',
  'a fallback was gone',
  'a probe of a fallback failed',
  'a person took out a fallback that something waited for',
  'a batch went to the fallback',
  'members of a batch that failed with its last attempt went to the fallback',
  'members of a batch that failed at the fallback stayed there',
  'a batch was split at the fallback',
  'a stop that waited for what was in the air',
  'a stop that gave back what was in the air',
  'a lane was let go once what was in the air had landed',
  'a lane came back before all of it had landed',
  'news of a lane was lost',
  'a run waited for its first one',
  'a run waited for a retry',
  'a run went on behind one that failed',
  'a run was blocked until the end',
  'one that was put back went before what came after it',
  'a person gave up one that failed in a run',
  'an order began while something waited',
  'an order ended while something waited',
] as const;

export type State = (typeof STATES)[number];

/** How often each of {@link STATES} was come across. */
export class Reached {
  readonly counts = new Map<State, number>();

  note(state: State, times = 1): void {
    this.counts.set(state, (this.counts.get(state) ?? 0) + times);
  }

  add(other: Reached): void {
    for (const [state, times] of other.counts) this.note(state, times);
  }

  get missing(): State[] {
    return STATES.filter((state) => !this.counts.has(state));
  }
}
