import Type, { type TSchema } from 'typebox';
import { InvalidFieldsError } from '../errors.ts';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

/** The query parameters of every list. */
export const pageParameters = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT, description: 'Entries per page.' }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 300, description: '`next_cursor` of the page before.' })),
};

export interface Page<Item> {
  data: Item[];
  next_cursor: string | null;
}

/** The answer of a list of `item`. */
export function pageOf<Item extends TSchema>(item: Item, description: string) {
  return Type.Object(
    {
      data: Type.Array(item),
      next_cursor: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'Ask with it for the next page; null: this is the last.',
      }),
    },
    { description },
  );
}

/** One page of a list that was read one entry further than asked, which tells whether there is more. */
export function pageFrom<Item>(items: readonly Item[], limit: number, positionOf: (item: Item) => string): Page<Item> {
  const data = items.slice(0, limit);
  const last = data.at(-1);
  return { data, next_cursor: items.length > limit && last !== undefined ? encodeCursor(positionOf(last)) : null };
}

/** Opaque to clients: the base64url of the last position. */
export function encodeCursor(position: string): string {
  return Buffer.from(position).toString('base64url');
}

/**
 * @param isPosition tells whether a decoded text can have come from {@link encodeCursor}
 * @returns undefined where there is no cursor
 * @throws InvalidFieldsError at `cursor`
 */
export function decodeCursor(
  cursor: string | undefined,
  isPosition: (text: string) => boolean,
): { before: string } | undefined {
  if (cursor === undefined) return undefined;
  const position = Buffer.from(cursor, 'base64url').toString();
  if (encodeCursor(position) === cursor && isPosition(position)) return { before: position };
  throw new InvalidFieldsError([
    { path: 'cursor', message: 'must be the next_cursor of an earlier page of this list' },
  ]);
}

export interface IdParameters {
  id: string;
}

/** `{id}` in a path. Its shape is not checked here: what is not an id names nothing, which is a 404. */
export function idOf(description: string) {
  return Type.Object({ id: Type.String({ description }) });
}
