import { ConflictError, InvalidFieldsError } from '../errors.ts';

/**
 * `If-Match` of RFC 9110 with versions as entity tags: `"3"`, a list of them, or `*`; a bare `3` is taken too.
 * @returns whether a version may be changed; null: the header is absent, and any may
 * @throws InvalidFieldsError for what cannot be a version
 */
export function parseIfMatch(header: string | undefined): ((version: number) => boolean) | null {
  if (header === undefined) return null;
  if (header.trim() === '*') return () => true;
  const versions = header.split(',').map((tag) => /^\s*(?:"(\d{1,15})"|(\d{1,15}))\s*$/.exec(tag));
  if (versions.includes(null)) {
    throw new InvalidFieldsError([
      { path: 'If-Match', message: 'must be a version in double quotes, such as "3", or *' },
    ]);
  }
  const accepted = new Set(versions.map((match) => Number(match?.[1] ?? match?.[2])));
  return (version) => accepted.has(version);
}

/** @throws ConflictError (HTTP 412) */
export function assertVersion(
  webhook: { id: string; version: number },
  matches: ((version: number) => boolean) | null,
): void {
  if (matches === null || matches(webhook.version)) return;
  throw new ConflictError(
    'version_mismatch',
    `Webhook ${webhook.id} is at version ${webhook.version}, which If-Match does not name; read it again.`,
  );
}
