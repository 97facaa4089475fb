import { setTimeout as pause } from 'node:timers/promises';

const BETWEEN_LOOKS_MS = 20;

/** Looks again and again until `holds`. @returns false if it did not within `timeoutMs` */
export async function becomesTrue(holds: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) return false;
    await pause(BETWEEN_LOOKS_MS);
  }
  return true;
}

/** {@link becomesTrue}. @throws if it did not, with what was awaited */
export async function waitUntil(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  if (!(await becomesTrue(holds, timeoutMs))) throw new Error(`within ${timeoutMs / 1000} s it did not come: ${what}`);
}
