import { catalog, isBuiltInType } from '@broxi/events';
import Type, { type Static } from 'typebox';
import type { WorkspaceView } from '../publish/workspace-cache.ts';
import type { CustomEventType } from '../store/store.ts';
import { optionalInstantSchema, presentInstant } from './instant.ts';

export const eventTypeSchema = Type.Object(
  {
    name: Type.String(),
    kind: Type.Enum(['built_in', 'operational', 'custom'], {
      description: 'operational: sent by the server itself, and only to webhooks that name it.',
    }),
    description: Type.String(),
    schema: Type.Object({}, { additionalProperties: true, description: 'JSON Schema of `data`.' }),
    sample: Type.Unsafe<object | null>({ type: ['object', 'null'], description: 'A realistic `data`.' }),
    updated_at: optionalInstantSchema('Of a custom type: when it was saved.'),
  },
  { $id: 'EventType', description: 'What an event of this name is.' },
);

export type EventTypeJson = Static<typeof eventTypeSchema>;

const inCatalog = new Map(
  Object.entries(catalog).map(([name, { description, schema, sample }]): [string, EventTypeJson] => [
    name,
    { name, kind: isBuiltInType(name) ? 'built_in' : 'operational', description, schema, sample, updated_at: null },
  ]),
);

/** Every event type of a workspace, by name. */
export function presentEventTypes(view: WorkspaceView): EventTypeJson[] {
  return [...inCatalog.values(), ...[...view.eventTypes.values()].map(presentCustomType)].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

export function presentEventType(view: WorkspaceView, name: string): EventTypeJson | undefined {
  const custom = view.eventTypes.get(name);
  return inCatalog.get(name) ?? (custom && presentCustomType(custom));
}

export function presentCustomType(type: CustomEventType): EventTypeJson {
  return {
    name: type.name,
    kind: 'custom',
    description: type.description,
    schema: JSON.parse(type.schemaText) as object,
    sample: type.sampleText === null ? null : (JSON.parse(type.sampleText) as object),
    updated_at: presentInstant(type.updatedAt),
  };
}
