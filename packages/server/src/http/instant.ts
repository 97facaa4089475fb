import Type from 'typebox';
import { InvalidFieldsError } from '../errors.ts';

/** ISO 8601 with a zone, seconds and their fraction optional. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** ISO 8601, UTC, with milliseconds. @param at milliseconds since the epoch */
export function presentInstant(at: number): string {
  return new Date(at).toISOString();
}

export function presentOptionalInstant(at: number | null): string | null {
  return at === null ? null : presentInstant(at);
}

/** @returns milliseconds since the epoch @throws InvalidFieldsError at `path` */
export function parseInstant(text: string, path: string): number {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new InvalidFieldsError([
    { path, message: 'must be an ISO 8601 instant with its zone, such as 2026-01-15T10:30:00.123Z' },
  ]);
}

export const instantSchema = (description: string) => Type.String({ format: 'date-time', description });

export const optionalInstantSchema = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time', description });

export const optionalStringSchema = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description });

export const optionalIntegerSchema = (description: string) =>
  Type.Unsafe<number | null>({ type: ['integer', 'null'], description });
