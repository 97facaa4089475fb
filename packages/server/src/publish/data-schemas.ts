import { catalog, isBuiltInType } from '@broxi/events';
import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { compileLinearRegExp } from '../domain/linear-regexp.ts';
import { AppError, type FieldError, InvalidFieldsError } from '../errors.ts';

/** Custom schemas are compiled into code: their text is bounded. */
export const MAX_SCHEMA_BYTES = 64 * 1024;

/** Checks the `data` of an event against the JSON Schema of its type. Schemas are compiled when they are first needed. */
export interface DataSchemas {
  /** @returns what is wrong with a built-in type's data, with paths that begin with `data` */
  checkBuiltIn(type: string, data: unknown): FieldError[];
  /** The same for a schema that a workspace registered. */
  checkCustom(schemaText: string, data: unknown): FieldError[];
  /** Refuses what cannot be compiled. @throws InvalidFieldsError at `schema` */
  assertCompiles(schemaText: string): void;
}

/** How many custom schemas stay compiled. */
const MAX_COMPILED = 1_000;

export function createDataSchemas(): DataSchemas {
  const builtIn = new Map<string, ValidateFunction>();
  const custom = new Map<string, ValidateFunction>();
  let metaSchema: Ajv2020 | null = null;

  /** Checks a schema by itself, so that the patterns of the meta-schema, which are harmless, do not load what runs in linear time. */
  const assertIsSchema = (schema: object | boolean): void => {
    metaSchema ??= createAjv();
    metaSchema.validateSchema(schema, true);
  };

  const compileCustom = (schemaText: string): ValidateFunction => {
    const known = custom.get(schemaText);
    if (known !== undefined) return known;
    // One instance for each: schemas of different workspaces may use the same $id. Patterns run in linear time.
    const ajv = createAjv({ validateSchema: false, code: { regExp: linearTimeRegExp } });
    const schema = JSON.parse(schemaText) as object | boolean;
    assertIsSchema(schema);
    const validate = ajv.compile(schema);
    // Ajv's own extension: such a schema answers with a promise, which would count as "valid".
    if ('$async' in validate) throw new Error('$async is not part of JSON Schema');
    if (custom.size >= MAX_COMPILED) custom.clear();
    custom.set(schemaText, validate);
    return validate;
  };

  return {
    checkBuiltIn(type, data) {
      let validate = builtIn.get(type);
      if (validate === undefined) {
        if (!isBuiltInType(type)) throw new AppError('invalid_request', `${type} is not a built-in event type.`);
        validate = createAjv().compile(catalog[type].schema);
        builtIn.set(type, validate);
      }
      return validate(data) ? [] : (validate.errors ?? []).map(fieldError);
    },
    checkCustom(schemaText, data) {
      try {
        const validate = compileCustom(schemaText);
        return validate(data) ? [] : (validate.errors ?? []).map(fieldError);
      } catch (error) {
        // A schema may refer to itself in a way that never ends for this data.
        if (!(error instanceof RangeError)) throw error;
        return [{ path: 'data', message: 'cannot be checked: the schema of this type refers to itself without end' }];
      }
    },
    assertCompiles(schemaText) {
      try {
        const validate = compileCustom(schemaText);
        validate({});
      } catch (cause) {
        throw new InvalidFieldsError([
          {
            path: 'schema',
            message: `not a valid JSON Schema (draft 2020-12): ${describe(cause)}`,
          },
        ]);
      }
    },
  };
}

function createAjv(options: Options = {}): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: true, ...options });
  addFormats.default(ajv);
  return ajv;
}

function describe(cause: unknown): string {
  if (cause instanceof RangeError) return 'it refers to itself without end';
  return cause instanceof Error ? cause.message : String(cause);
}

/** `/a/0/b` of RFC 6901 becomes `data.a[0].b`. */
function fieldError(error: ErrorObject): FieldError {
  const missing = error.keyword === 'required' ? `/${String(error.params['missingProperty'])}` : '';
  const steps = `${error.instancePath}${missing}`.split('/').slice(1);
  const path = steps
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((joined, step) => (/^\d+$/.test(step) ? `${joined}[${step}]` : `${joined}.${step}`), 'data');
  return { path, message: error.keyword === 'required' ? 'is required' : (error.message ?? 'is not valid') };
}

const linearTimeRegExp = Object.assign(
  (pattern: string, flags: string) => {
    const compiled = compileLinearRegExp(pattern, { ignoreCase: flags.includes('i') });
    return { test: (text: string) => compiled.matcher(text).find() };
  },
  { code: 'linearTimeRegExp' },
);
