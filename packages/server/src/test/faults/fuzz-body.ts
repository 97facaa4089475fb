/** JSON that a parser, a number, a text or an object may stumble over. */
const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u0000',
  '\\ud83d',
  '\u0000',
  '\ufeff',
  'null',
  'true',
  '-',
  '-0',
  '1e999',
  '9007199254740993',
  '0.1',
  '1e-400',
  '""',
  '{}',
  '[]',
  '"__proto__":1,',
  '"constructor":{},',
  '"event":"*",',
  ' ',
  '\n',
];
/** What may stand in place of a value and leave the body JSON. */
const VALUES = [
  'null',
  'true',
  '-0',
  '1e999',
  '9007199254740993',
  '0.1',
  '""',
  '{}',
  '[]',
  '"\\ud83d"',
  '{"a":1,"a":2}',
];
const VALUE_OR_KEY = /"[^"]*":?|-?\d+(\.\d+)?|null|true/g;
const START = {
  event: 'workflow.completed',
  id: 'fuzz',
  timestamp: '2030-01-01T00:00:00.000Z',
  data: { workflow_id: 'w', run_id: 'r', output: { text: 'x', list: [1, 2.5, null], deep: { a: { b: true } } } },
};
const MOST_CHANGES = 4;

/** A body that was valid before it was changed in one to four places: half of them anywhere, half in their values alone. */
export function fuzzBody(random: () => number, id: string): string {
  let text = JSON.stringify({ ...START, id });
  const onlyValues = random() < 0.5;
  const changes = 1 + Math.floor(random() * MOST_CHANGES);
  for (let i = 0; i < changes; i += 1) {
    if (onlyValues) {
      text = replaceValue(text, random);
      continue;
    }
    const at = Math.floor(random() * text.length);
    const until = at + Math.floor(random() ** 3 * 20);
    const token = TOKENS[Math.floor(random() * TOKENS.length)] ?? '';
    const put = random() < 0.3 ? text.slice(at, at + Math.floor(random() * 40)) : token;
    text = text.slice(0, at) + put + text.slice(until);
  }
  return text;
}

function replaceValue(text: string, random: () => number): string {
  const found = [...text.matchAll(VALUE_OR_KEY)].filter(([token]) => !token.endsWith(':'));
  const chosen = found[Math.floor(random() * found.length)];
  if (chosen === undefined) return text;
  const value = VALUES[Math.floor(random() * VALUES.length)] ?? '';
  return text.slice(0, chosen.index) + value + text.slice(chosen.index + chosen[0].length);
}
