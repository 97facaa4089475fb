import { StoreUnavailableError } from '../../errors.ts';

/** Another transaction was in the way; this one left nothing behind, and is repeated. */
export class InTheWayError extends Error {
  override readonly name = 'InTheWayError';
}

/**
 * What SQLSTATE codes say of the database and not of the statement, by how they begin.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE: readonly (readonly [code: string, why: string])[] = [
  ['08', 'the connection to the database was lost'],
  ['25006', 'the database takes no writes'],
  ['25P03', 'the transaction was idle for too long'],
  ['53100', 'the disk of the database is full'],
  ['53300', 'the database takes no more connections'],
  ['53', 'the database is short of resources'],
  ['57014', 'a statement took too long'],
  ['57P', 'the database is shutting down or starting up'],
  ['58', 'the database reports a failure of its machine'],
  ['XX', 'the database reports a failure of its own'],
];

/** Serialization failure, deadlock, a lock that was not given in time. */
const IN_THE_WAY = new Set(['40001', '40P01', '55P03']);

/** What Node and `pg` say when a connection cannot be made, or ends. */
const CONNECTION_ERRORS =
  /^(E[A-Z]+)$|Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|Cannot use a pool after|Client was closed/;

/** An error of `pg` as the store says it; what is a defect stays as it is. */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = codeOf(error);
  if (IN_THE_WAY.has(code) || isWithoutPartition(error)) return new InTheWayError(error.message, { cause: error });
  const known = UNAVAILABLE.find(([begins]) => code.startsWith(begins));
  if (known !== undefined) return unavailable(known[1], error);
  if (isConnectionError(error)) return unavailable('the database cannot be reached', error);
  return error;
}

/** A day of history was made or closed at that very instant: the next try sees it. A constraint that fails has a name. */
function isWithoutPartition(error: Error): boolean {
  return codeOf(error) === '23514' && !('constraint' in error && error.constraint !== undefined);
}

/** Whether the connection ended before the answer was there, so that nobody knows what became of the statement. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return (
    code.startsWith('08') ||
    code.startsWith('57P') ||
    CONNECTION_ERRORS.test(code) ||
    CONNECTION_ERRORS.test(error.message)
  );
}

/** A partition that another session is detaching, or has: it is no longer what it was a moment ago. */
export function isStateOfAnother(error: unknown): boolean {
  return error instanceof Error && ['55000', '42P01', '42809'].includes(codeOf(error));
}

/** A prepared statement is not where it was left, or is where it was not: a pooler has given the transaction another connection. */
export function isOfPooler(error: unknown): boolean {
  return error instanceof Error && ['26000', '42P05'].includes(codeOf(error));
}

/** A text with a NUL, which is nowhere in the database. */
export function isUnstorableText(error: unknown): boolean {
  return error instanceof Error && codeOf(error) === '22021';
}

export function unavailable(why: string, cause: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`Nothing can be recorded now: ${why}.`, cause);
}

/** What lies behind it, in one line, for whoever runs the server: such as the address that refuses connections. */
export function reasonOf({ cause, message }: Error): string {
  // Of several addresses of one host: all of them failed.
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  return first instanceof Error && first.message !== '' ? first.message : message;
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
