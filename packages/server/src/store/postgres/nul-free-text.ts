/**
 * PostgreSQL's text holds no NUL, and what producers name their runs and keys may. Kept with `\0` for NUL and `\\` for a
 * backslash: nearly every text is kept as it is, and two that differ stay different.
 */
export function withoutNul(text: string): string;
export function withoutNul(text: string | null): string | null;
export function withoutNul(text: string | null): string | null {
  return text === null || !/[\0\\]/.test(text) ? text : text.replaceAll('\\', '\\\\').replaceAll('\0', '\\0');
}

export function withNul(stored: string): string;
export function withNul(stored: string | null): string | null;
export function withNul(stored: string | null): string | null {
  return stored === null || !stored.includes('\\')
    ? stored
    : stored.replaceAll(/\\([\\0])/g, (_, escaped: string) => (escaped === '0' ? '\0' : '\\'));
}
