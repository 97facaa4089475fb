/**
 * Every error that a caller can cause or must handle. Expected outcomes of a delivery are values, not errors.
 * `http/error-handler.ts` is the one place that turns these into problem documents; `threads/` carries them across.
 */

/** One wrong field: `path` is dotted with array positions in brackets (`events[2]`, `data.cost`); `message` says what would be accepted. */
export interface FieldError {
  path: string;
  message: string;
}

export type ErrorCode =
  | 'malformed_json'
  | 'invalid_request'
  | 'invalid_fields'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'idempotency_conflict'
  | 'version_mismatch'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'store_unavailable'
  | 'invalid_setting';

/** A failure with a stable `code`. `message` is one sentence for the person who reads it. */
export class AppError extends Error {
  override readonly name: string = 'AppError';
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[];

  constructor(code: ErrorCode, message: string, options: { fields?: readonly FieldError[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? [];
  }
}

/** The request is well-formed, and some of its fields are not acceptable (HTTP 422). */
export class InvalidFieldsError extends AppError {
  override readonly name = 'InvalidFieldsError';
  constructor(fields: readonly FieldError[]) {
    const first = fields[0];
    const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
    super('invalid_fields', first ? `${first.path || 'body'}: ${first.message}${more}` : 'The request is not valid.', {
      fields,
    });
  }
}

export class NotFoundError extends AppError {
  override readonly name = 'NotFoundError';
  /** @param thing for example `webhook wh_123` */
  constructor(thing: string) {
    super('not_found', `There is no ${thing} here.`);
  }
}

export class ConflictError extends AppError {
  override readonly name = 'ConflictError';
  constructor(code: 'conflict' | 'idempotency_conflict' | 'version_mismatch', message: string) {
    super(code, message);
  }
}

/** The store cannot take writes now (disk full, database away). Nothing of the refused call is recorded; it may be repeated. */
export class StoreUnavailableError extends AppError {
  override readonly name = 'StoreUnavailableError';
  constructor(message: string, cause: unknown) {
    super('store_unavailable', message, { cause });
  }
}

/** A setting that stops the start: one line that names it and what it accepts. */
export class InvalidSettingError extends AppError {
  override readonly name = 'InvalidSettingError';
  constructor(message: string) {
    super('invalid_setting', message);
  }
}
