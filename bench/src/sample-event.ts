const RUN_DIGITS = 10;

/** The type of an event when nothing else is said. */
export const SAMPLE_TYPE = 'workflow.completed';

const DATA = {
  workflow_id: 'support_triage',
  run_id: 'run_',
  user_id: 'user_48213',
  session_id: 'session_7f3a9c',
  input: 'My parcel was due on Tuesday and the tracking page has not changed since. Where is it?',
  output:
    'The parcel reached the depot in Lyon this morning and is out for delivery. It should be with you before 18:00; if not, reply here.',
  execution_time: 3.42,
  token_usage: { prompt_tokens: 412, completion_tokens: 96, total_tokens: 508 },
  cost: 0.0071,
  components_executed: [
    { name: 'Chat Input', execution_time: 0.04 },
    { name: 'Order Lookup', execution_time: 0.81 },
    { name: 'Language Model', execution_time: 2.49 },
    { name: 'Chat Output', execution_time: 0.08 },
  ],
};

/** The text of an event around the digits of its run id: `before + runDigits(n) + after` is the body of one request. */
export function eventParts(type: string): { before: string; after: string; digits: number } {
  const marker = '"run_';
  const whole = JSON.stringify({ event: type, data: DATA });
  const split = whole.indexOf(marker, whole.indexOf('"run_id":') + '"run_id":'.length) + marker.length;
  return { before: whole.slice(0, split), after: whole.slice(split), digits: RUN_DIGITS };
}

const parts = new Map<string, ReturnType<typeof eventParts>>();

/** The JSON of event number `n` (0 or more): about 700 bytes, for one type always the same length, a run id of its own. */
export function sampleEvent(n: number, type = SAMPLE_TYPE): string {
  let known = parts.get(type);
  if (known === undefined) {
    known = eventParts(type);
    parts.set(type, known);
  }
  return known.before + String(n).padStart(RUN_DIGITS, '0') + known.after;
}

/** Events take turns in their types: event `n` is of this one. @param types at least one */
export function typeInTurn(n: number, types: readonly string[]): string {
  return types[n % types.length] ?? SAMPLE_TYPE;
}
