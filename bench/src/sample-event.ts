const RUN_DIGITS = 10;

const SAMPLE = {
  event: 'workflow.completed',
  data: {
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
  },
};

const marker = '"run_';
const whole = JSON.stringify(SAMPLE);
const split = whole.indexOf(marker, whole.indexOf('"run_id":') + '"run_id":'.length) + marker.length;

/** The text of the event around the digits of its run id: `before + runDigits(n) + after` is the body of one request. */
export const eventParts = { before: whole.slice(0, split), after: whole.slice(split), digits: RUN_DIGITS };

/** The JSON of event number `n` (0 or more): about 700 bytes, always the same length, a run id of its own. */
export function sampleEvent(n: number): string {
  return eventParts.before + String(n).padStart(RUN_DIGITS, '0') + eventParts.after;
}
