import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export type AnswerCheck = (answer: {
  method: string;
  url: string;
  status: number;
  type: string;
  body: unknown;
}) => void;

interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, { content?: Record<string, unknown> }> }>>;
}

/**
 * Holds answers against the OpenAPI document: a route that is documented answers nothing but what the document says, with no
 * field beside. Paths that it does not name (404, 405) only have to be problems.
 */
export function createAnswerCheck(document: OpenApi): AnswerCheck {
  const closed = structuredClone(document);
  closeObjects(closed);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  // The document is not a schema itself; only its parts are.
  ajv.addSchema(closed, 'openapi', undefined, false);
  const compiled = new Map<string, ValidateFunction>();

  return ({ method, url, status, type, body }) => {
    const path = Object.keys(document.paths).find((pattern) => matches(pattern, url.split('?', 1)[0] ?? ''));
    const operation = path === undefined ? undefined : document.paths[path]?.[method.toLowerCase()];
    if (path === undefined || operation === undefined) return;
    const response = operation.responses[status];
    assert.ok(
      response,
      `${method} ${path} answered ${status}, which the document does not name: ${JSON.stringify(body)}`,
    );
    if (response.content === undefined) return;
    const media = type.split(';', 1)[0] ?? '';
    assert.ok(Object.hasOwn(response.content, media), `${method} ${path} ${status} answered ${media}`);
    const pointer = ['paths', path, method.toLowerCase(), 'responses', status, 'content', media, 'schema'];
    const reference = `openapi#/${pointer.map((step) => encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
    let validate = compiled.get(reference);
    if (validate === undefined) {
      validate = ajv.compile({ $ref: reference });
      compiled.set(reference, validate);
    }
    const fits = validate(body);
    assert.ok(fits, `${method} ${path} ${status}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(body)}`);
  };
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((step, i) => step === given[i] || /^\{.*\}$/.test(step));
}

/** Takes fields for wrong that a schema does not name, unless it says that it allows them. */
export function closeObjects(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node) && 'properties' in node && !('additionalProperties' in node)) {
    Object.assign(node, { additionalProperties: false });
  }
  for (const child of Object.values(node)) closeObjects(child);
}
