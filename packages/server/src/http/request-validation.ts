import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { FastifySchemaCompiler } from 'fastify';
import { type FieldError, InvalidFieldsError } from '../errors.ts';

/** Query parameters are text, so numbers in them are converted. Bodies are taken as they are. */
const forQueries = new Ajv2020({ allErrors: true, strict: false, verbose: true, coerceTypes: true, useDefaults: true });
const forBodies = new Ajv2020({ allErrors: true, strict: false, verbose: true });

const takeAsIs = () => true;

/**
 * Checks requests by their schema, compiled when it is first needed: a server that starts has nothing to check yet. That of
 * headers is documentation: who reads one checks it, with better words.
 */
export const compileValidator: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  if (httpPart === 'headers') return takeAsIs;
  let validate: ValidateFunction | undefined;
  return (data: unknown) => {
    validate ??= (httpPart === 'querystring' ? forQueries : forBodies).compile(schema);
    if (validate(data)) return true;
    return { error: new InvalidFieldsError((validate.errors ?? []).map((error) => fieldError(error, httpPart))) };
  };
};

/** For bodies that the domain checks itself, with better words: their schema is documentation. */
export const onlyDescribeBody: FastifySchemaCompiler<object> = (route) =>
  route.httpPart === 'body' ? takeAsIs : compileValidator(route);

/** For bodies that may be left out. Fastify hands `null` to a validator then, and to the handler what comes back. */
export const bodyMayBeMissing: FastifySchemaCompiler<object> = (route) => {
  const validate = compileValidator(route);
  return (data: unknown) => (route.httpPart === 'body' && data === null ? { value: data } : validate(data));
};

function fieldError(error: ErrorObject, httpPart: string | undefined): FieldError {
  const { keyword, params } = error;
  const path = pathOf(error.instancePath);
  const below = (name: unknown) => (path === '' ? String(name) : `${path}.${String(name)}`);
  switch (keyword) {
    case 'required':
      return { path: below(params.missingProperty), message: 'is required' };
    case 'additionalProperties': {
      const accepted = Object.keys((error.parentSchema?.properties as object | undefined) ?? {});
      const kind = httpPart === 'querystring' ? 'a parameter' : 'a field';
      const list = accepted.length > 0 ? `accepted: ${accepted.join(', ')}` : 'none are accepted';
      return { path: below(params.additionalProperty), message: `is not ${kind} of this request; ${list}` };
    }
    case 'enum':
      return { path, message: `must be one of ${(params.allowedValues as string[]).join(', ')}` };
    default:
      return { path, message: error.message ?? 'is not valid' };
  }
}

/** `/a/0/b` of RFC 6901 becomes `a[0].b`. */
function pathOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`), '');
}
