import { catalog, isReservedType, isTypeName } from '@broxi/events';
import Type, { type Static } from 'typebox';
import { type FieldError, InvalidFieldsError } from '../errors.ts';
import { type DataSchemas, MAX_SCHEMA_BYTES } from '../publish/data-schemas.ts';
import type { CustomEventType } from '../store/store.ts';

const MAX_SAMPLE_BYTES = 64 * 1024;
const anyObject = (description: string) => Type.Object({}, { additionalProperties: true, description });

const fields = {
  description: Type.Optional(Type.String({ maxLength: 2000, description: 'When the event is sent.' })),
  schema: anyObject('JSON Schema (draft 2020-12) of `data`; at most 64 KiB.'),
  sample: Type.Optional(
    Type.Unsafe<object | null>({
      type: ['object', 'null'],
      additionalProperties: true,
      description: 'A realistic `data`, which the schema must accept; at most 64 KiB.',
    }),
  ),
};

const example = {
  description: 'An order was paid.',
  schema: { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } },
  sample: { order_id: 'order_42' },
};

export const replacedEventType = Type.Object(fields, { additionalProperties: false, examples: [example] });
export const newEventType = Type.Object(
  { name: Type.String({ description: 'Dotted lower case, such as order.paid.' }), ...fields },
  { additionalProperties: false, examples: [{ name: 'order.paid', ...example }] },
);

/** @throws InvalidFieldsError if the name cannot be registered */
export function assertRegistrable(name: string): void {
  const message = nameProblem(name);
  if (message !== null) throw new InvalidFieldsError([{ path: 'name', message }]);
}

function nameProblem(name: string): string | null {
  if (!isTypeName(name)) {
    return 'must be two or more words of a-z, 0-9 and _ with dots between them, such as order.paid; at most 128 characters';
  }
  if (Object.hasOwn(catalog, name)) return 'is the name of a built-in event type; choose another one';
  if (isReservedType(name)) return 'belongs to a reserved family (webhook. and delivery.); choose another one';
  return null;
}

/** Checks a custom type's schema and sample. @throws InvalidFieldsError */
export function parseEventType(
  input: Static<typeof replacedEventType>,
  schemas: DataSchemas,
): Pick<CustomEventType, 'description' | 'schemaText' | 'sampleText'> {
  const schemaText = JSON.stringify(input.schema);
  const sampleText = input.sample == null ? null : JSON.stringify(input.sample);
  const tooLarge: FieldError[] = [];
  if (Buffer.byteLength(schemaText) > MAX_SCHEMA_BYTES)
    tooLarge.push({ path: 'schema', message: 'must be at most 64 KiB' });
  if (sampleText !== null && Buffer.byteLength(sampleText) > MAX_SAMPLE_BYTES) {
    tooLarge.push({ path: 'sample', message: 'must be at most 64 KiB' });
  }
  if (tooLarge.length > 0) throw new InvalidFieldsError(tooLarge);
  schemas.assertCompiles(schemaText);
  if (sampleText !== null) {
    const errors = schemas.checkCustom(schemaText, input.sample);
    // The checker speaks of `data`, which is what the sample stands for.
    const inSample = errors.map(({ path, message }) => ({ path: path.replace(/^data/, 'sample'), message }));
    if (inSample.length > 0) throw new InvalidFieldsError(inSample);
  }
  return { description: input.description ?? '', schemaText, sampleText };
}
