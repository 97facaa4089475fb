import { nearestNames } from '@broxi/events/names';
import type { FieldError } from '../errors.ts';
import { DURATION_FORMS, describeSeconds, readDuration } from './duration.ts';
import { fieldPath } from './field-path.ts';

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Bounds {
  fallback: number;
  min: number;
  max: number;
}

/**
 * Reads the fields of one object, and collects what is wrong instead of stopping at it. An absent field and null are the
 * fallback; a value of another type is never converted. A faulty field is reported and read as its fallback.
 */
export class FieldReader {
  readonly #fields: Record<string, unknown>;
  readonly #path: string;
  readonly #problems: FieldError[];

  /** @param path of the object itself; empty for the body */
  constructor(fields: Record<string, unknown>, path: string, problems: FieldError[]) {
    this.#fields = fields;
    this.#path = path;
    this.#problems = problems;
  }

  /** The raw value; undefined where it is absent or null. */
  value(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? (this.#fields[name] ?? undefined) : undefined;
  }

  path(name: string): string {
    return fieldPath(this.#path, name);
  }

  report(name: string, message: string): void {
    this.#problems.push({ path: this.path(name), message });
  }

  refuseUnknown(known: readonly string[]): void {
    const unknown = Object.keys(this.#fields).filter((name) => !known.includes(name));
    // More than this many would be a body that is something else altogether; each suggestion costs a search.
    for (const name of unknown.slice(0, 20)) {
      const [near] = nearestNames(name, known);
      this.report(name, near ? `is unknown; did you mean ${near}?` : `is unknown; expected one of ${known.join(', ')}`);
    }
  }

  number(name: string, { fallback, min, max, integer = false }: Bounds & { integer?: boolean }): number {
    const value = this.value(name);
    if (value === undefined) return fallback;
    const fits = typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value));
    if (fits) return value;
    this.report(name, `must be ${integer ? 'an integer' : 'a number'} from ${min} to ${max}`);
    return fallback;
  }

  /** In seconds, as are the bounds. */
  duration(name: string, { fallback, min, max }: Bounds): number {
    const value = this.value(name);
    if (value === undefined) return fallback;
    const seconds = readDuration(value);
    if (seconds !== null && seconds >= min && seconds <= max) return seconds;
    this.report(name, `must be ${describeSeconds(min)} to ${describeSeconds(max)}: ${DURATION_FORMS}`);
    return fallback;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.value(name);
    if (value === undefined || typeof value === 'boolean') return value ?? fallback;
    this.report(name, 'must be true or false');
    return fallback;
  }

  /** Null where it is absent. */
  text(name: string, maxLength: number): string | null {
    const value = this.value(name);
    if (value === undefined) return null;
    if (typeof value === 'string' && value.length <= maxLength) return value;
    this.report(name, `must be a text of at most ${maxLength} characters`);
    return null;
  }

  oneOf<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.value(name);
    if (value === undefined) return fallback;
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    this.report(name, `must be one of ${choices.map((candidate) => `"${candidate}"`).join(', ')}`);
    return fallback;
  }

  /** A reader of the object in a field; of an empty one where it is absent or faulty. */
  object(name: string): FieldReader {
    const value = this.value(name);
    if (value !== undefined && !isPlainObject(value)) this.report(name, 'must be an object');
    return this.within(name, isPlainObject(value) ? value : {});
  }

  /** A reader of `fields`, which stand in the field `name` in another form. */
  within(name: string, fields: Record<string, unknown>): FieldReader {
    return new FieldReader(fields, this.path(name), this.#problems);
  }
}
