import { ABSENT, type FieldName, type Probe } from './filter.ts';

const MAX_KEY_LENGTH = 256;
const MAX_STEPS = 16;

/**
 * Reads the key of a filter: `event`, or a field of `data`, dotted for nesting. A backslash takes the character after it as it
 * is: `a\.b` is one name with a dot, `\event` a field of `data` that is called event.
 *
 * @returns the field, or what is wrong with the key
 */
export function readFieldName(key: string): FieldName | { problem: string } {
  if (key === 'event') return { of: 'event' };
  if (key.length > MAX_KEY_LENGTH) return { problem: `must be at most ${MAX_KEY_LENGTH} characters` };
  const steps: string[] = [''];
  for (let i = 0; i < key.length; i++) {
    let character = key[i] ?? '';
    if (character === '.') {
      steps.push('');
      continue;
    }
    if (character === '\\') {
      i += 1;
      if (i === key.length) return { problem: 'must not end in a backslash: it takes the next character as it is' };
      character = key[i] ?? '';
    }
    steps.push((steps.pop() ?? '') + character);
  }
  if (steps.includes('')) return { problem: 'must name a field of data, dotted for nesting, without an empty part' };
  if (steps.includes('__proto__')) return { problem: 'must not name __proto__' };
  if (steps.length > MAX_STEPS) return { problem: `must lead at most ${MAX_STEPS} levels down` };
  return { of: 'data', steps };
}

/**
 * Whether some value that the steps lead to passes. On the way an array stands for each of its elements, and for nothing
 * where it is empty. Only own properties count, so no name leads into a prototype.
 */
export function someValue(from: unknown, steps: readonly string[], passes: Probe, at = 0): boolean {
  let value = from;
  for (let i = at; i < steps.length; i++) {
    if (typeof value !== 'object' || value === null) return passes(ABSENT);
    if (Array.isArray(value)) {
      if (value.length === 0) return passes(ABSENT);
      for (const element of value) if (someValue(element, steps, passes, i)) return true;
      return false;
    }
    const step = steps[i] ?? '';
    if (!Object.hasOwn(value, step)) return passes(ABSENT);
    value = (value as Record<string, unknown>)[step];
  }
  return passes(value);
}
