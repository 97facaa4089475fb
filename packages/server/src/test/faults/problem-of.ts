import type { RawAnswer } from './raw-exchange.ts';

/** The paths that a problem document names. @returns what is wrong with the answer as one, in a sentence, or null */
export function problemWith({ status, contentType, body, inTime }: RawAnswer): string | null {
  if (!inTime) return 'no answer came in time';
  if (status < 400 || status >= 500) return `it was answered ${status}`;
  if (contentType !== 'application/problem+json') return `${status} came as ${contentType || 'nothing'}`;
  const { code, detail, status: told } = parseProblem(body);
  if (typeof code !== 'string' || typeof detail !== 'string' || told !== status) return `${status} came as ${body}`;
  if (status === 422 && pathsOf(body).length === 0) return `422 names no path: ${body}`;
  return null;
}

export function pathsOf(body: string): string[] {
  const { errors } = parseProblem(body);
  return Array.isArray(errors) ? errors.map((error: { path: string }) => error.path) : [];
}

function parseProblem(body: string): { code?: unknown; detail?: unknown; status?: unknown; errors?: unknown } {
  try {
    return JSON.parse(body) as object;
  } catch {
    return {};
  }
}
