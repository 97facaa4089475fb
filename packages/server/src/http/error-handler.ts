import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type ErrorCode, type FieldError } from '../errors.ts';
import type { Log } from './ports.ts';
import type { Problem } from './problem-schema.ts';

/** What is answered when something is wrong, before it becomes a document. */
interface Failure {
  status: number;
  code: string;
  detail: string;
  errors?: readonly FieldError[];
}

/** `invalid_setting` is ours to repair, not the caller's: it is answered like any other unexpected error. */
const STATUS: Readonly<Record<Exclude<ErrorCode, 'invalid_setting'>, number>> = {
  malformed_json: 400,
  invalid_request: 400,
  invalid_fields: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  idempotency_conflict: 409,
  version_mismatch: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  store_unavailable: 503,
};

/** Seconds after which a refused write is worth another try. */
const RETRY_AFTER = '1';

/** The one place where errors become answers: RFC 9457 problem documents. Unexpected ones are logged and say nothing of themselves. */
export function createErrorHandler(log: Log) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const failure = failureOf(error, request);
    if (failure !== null) return sendProblem(reply, failure);
    log.error(`${request.method} ${request.routeOptions.url ?? 'unknown route'} failed`, error);
    return sendProblem(reply, {
      status: 500,
      code: 'internal_error',
      detail: 'Something went wrong here. It is logged; the request may be repeated.',
    });
  };
}

export function sendProblem(reply: FastifyReply, failure: Failure): FastifyReply {
  if (failure.status === 401) reply.header('www-authenticate', 'Bearer realm="broxi-webhooks"');
  if (failure.status === 503) reply.header('retry-after', RETRY_AFTER);
  return reply
    .code(failure.status)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(failure)));
}

/** RFC 9457 §4.2.1: with `about:blank`, the title is the phrase of the status. */
export function problemOf({ status, code, detail, errors = [] }: Failure): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  const document: Problem = { type: 'about:blank', title, status, detail, code };
  return errors.length > 0 ? { ...document, errors: [...errors] } : document;
}

/** @returns null for what nobody expected */
function failureOf(error: unknown, request: FastifyRequest): Failure | null {
  if (error instanceof AppError) {
    if (error.code === 'invalid_setting') return null;
    return { status: STATUS[error.code], code: error.code, detail: error.message, errors: error.fields };
  }
  if (!(error instanceof Error)) return null;
  const { code, statusCode = 500 } = error as FastifyError;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const limit = Math.floor((request.routeOptions.bodyLimit ?? 0) / 1024);
      return { status: 413, code: 'payload_too_large', detail: `The body is too large: at most ${limit} KiB here.` };
    }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return unsupportedMediaType;
    default:
      if (statusCode < 400 || statusCode >= 500) return null;
      return { status: 400, code: 'invalid_request', detail: `The request cannot be read: ${error.message}.` };
  }
}

const unsupportedMediaType: Failure = {
  status: 415,
  code: 'unsupported_media_type',
  detail: 'The Content-Type must be application/json.',
};
