import type { FieldError } from '../errors.ts';

/** The members of a problem document (RFC 9457) that are shown, and ours beside them. */
interface Problem {
  title: string;
  detail?: unknown;
  errors?: unknown;
}

/** An answer of the events API for a person to read; what is neither JSON nor a problem document is shown as it came. */
export function describeAnswer(response: Pick<Response, 'status' | 'statusText'>, body: string): string {
  const answer = parseObject(body);
  if (answer === null) return `${`${response.status} ${response.statusText}`.trim()}\n${body ? `${body}\n` : ''}`;
  return response.status < 400 || !isProblem(answer)
    ? describeMembers(response.status, answer)
    : describeProblem(response.status, answer);
}

function describeProblem(status: number, { title, detail, errors }: Problem): string {
  const lines = [`${status} ${title}`];
  if (typeof detail === 'string') lines.push(detail);
  const fields: Partial<FieldError>[] = Array.isArray(errors) ? errors.filter((error) => error instanceof Object) : [];
  for (const { path, message } of fields) lines.push(`  ${path || 'body'}: ${message}`);
  return `${lines.join('\n')}\n`;
}

function describeMembers(status: number, answer: Record<string, unknown>): string {
  const width = Math.max(...Object.keys(answer).map((name) => name.length));
  const members = Object.entries(answer).map(
    ([name, value]) => `  ${name.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${[status === 202 ? 'Accepted' : String(status), ...members].join('\n')}\n`;
}

function parseObject(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function isProblem(answer: object): answer is Problem {
  return 'title' in answer && typeof answer.title === 'string';
}
