import type { Static, TSchema } from 'typebox';

/** All that is said about one event type. */
export interface EventDefinition<Schema extends TSchema = TSchema> {
  /** One sentence: when the event is sent. */
  readonly description: string;
  /** JSON Schema (2020-12) of `data`. Fields that it does not name are allowed and pass through. */
  readonly schema: Schema;
  /**
   * The fields that say what the event is about and nothing of what happened, dotted for nesting: all that a thin body carries.
   * Bodies are made of them at each attempt, so a change shows in what waits over an upgrade.
   */
  readonly identifiers: readonly string[];
  /** A realistic `data` with every field that the schema names. Shared: copy it before you change it. */
  readonly sample: Static<Schema>;
}

/** Ties the sample to the schema at compile time. */
export function defineEvent<Schema extends TSchema>(definition: EventDefinition<Schema>): EventDefinition<Schema> {
  return definition;
}
