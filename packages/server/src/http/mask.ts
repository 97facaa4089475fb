/**
 * Stands for a value that is kept and not shown. It is neither Latin-1 nor ASCII, so it can never be mistaken for a header
 * value or a secret: where it is sent back, the stored value is meant.
 */
export const MASK = '••••••••';

/** Whether a value that a client sends is the mask it was shown. */
export function isMask(value: unknown): boolean {
  return value === MASK;
}
