import { parseJsonStrictly } from '../domain/strict-json.ts';
import { AppError, InvalidFieldsError } from '../errors.ts';
import { type BatchResult, MAX_BATCH_ITEMS, type Publisher } from '../publish/publish-event.ts';
import { splitItems } from './split-items.ts';

type BatchAnswer = Awaited<ReturnType<Publisher['publishBatch']>>;

/**
 * Publishes a batch from its bytes. JSON that is refused only because of what stands inside an item (a number that would
 * change, a key that comes twice) refuses that item and no other.
 */
export async function publishItems(
  publisher: Publisher,
  request: { workspaceId: string; body: Buffer; idempotencyKey: string | null },
): Promise<BatchAnswer> {
  const { workspaceId, body, idempotencyKey } = request;
  const { items, refused } = readItems(body);
  if (refused.size > 0 && refused.size === refused.size + countOf(items)) {
    return { results: [...refused.values()], duplicate: false };
  }
  const { results, duplicate } = await publisher.publishBatch({ workspaceId, input: items, idempotencyKey });
  if (refused.size === 0) return { results, duplicate };
  const published = results.values();
  const total = results.length + refused.size;
  const merged: BatchResult[] = [];
  for (let position = 0; position < total; position++) {
    const result = refused.get(position) ?? published.next().value;
    if (result !== undefined) merged.push(result);
  }
  return { results: merged, duplicate };
}

/** @returns what goes to the publisher, and the results of items that are refused already, by their position */
function readItems(body: Buffer): { items: unknown; refused: Map<number, BatchResult> } {
  const refused = new Map<number, BatchResult>();
  try {
    return { items: body.length === 0 ? undefined : parseJsonStrictly(body), refused };
  } catch (error) {
    const split = error instanceof InvalidFieldsError ? splitItems(body.toString()) : null;
    if (split === null) throw error;
    // What is wrong outside of the items is wrong with the whole request.
    parseJsonStrictly(Buffer.from(split.frame));
    if (split.items.length > MAX_BATCH_ITEMS) {
      throw new AppError(
        'payload_too_large',
        `A batch takes at most 1,000 events; this one has ${split.items.length}.`,
      );
    }
    const items: unknown[] = [];
    for (const [position, text] of split.items.entries()) {
      try {
        items.push(parseJsonStrictly(Buffer.from(text)));
      } catch (problem) {
        if (!(problem instanceof InvalidFieldsError)) throw problem;
        refused.set(position, { status: 422, errors: problem.fields });
      }
    }
    return { items, refused };
  }
}

function countOf(items: unknown): number {
  return Array.isArray(items) ? items.length : 1;
}
