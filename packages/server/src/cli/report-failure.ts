import { AppError } from '../errors.ts';
import { EXIT_FAILURE, EXIT_USAGE } from './exit-codes.ts';

/** The part of a process that commands write their failures to. */
export interface FailureSink {
  stderr: { write(text: string): unknown };
  exitCode?: number | string | null | undefined;
}

/** Writes what went wrong to standard error, and sets the exit code: 2 for a wrong setting or argument, else 1. */
export function reportFailure(error: unknown, sink: FailureSink = process): void {
  sink.stderr.write(`broxi-webhooks: ${describeFailure(error)}\n`);
  // Failures of a thread arrive as plain AppErrors: only their code tells what they were.
  sink.exitCode = error instanceof AppError && error.code === 'invalid_setting' ? EXIT_USAGE : EXIT_FAILURE;
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const place = `${address ?? 'the address'}, port ${port ?? '?'}`;
  if (code === 'EADDRINUSE') return `${place}, is in use: choose another with --port (0 picks a free one).`;
  if (code === 'EACCES' && error.message.includes('listen')) {
    return `${place}, may not be listened on by this user: choose another with --port (1024 or above).`;
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `${address ?? 'that host'} is not an address of this machine: choose another with --host.`;
  }
  return error.message;
}
