import type { Clock } from '../../clock.ts';
import { StoreUnavailableError } from '../../errors.ts';
import { InTheWayError, reasonOf } from './errors.ts';

const AGAIN_MS = 1_000;

/**
 * For a start: the database may come up later than the server, or be busy with what another server migrates.
 * @param onWait told why, whenever that changes
 * @throws whatever waiting does not help against, such as a wrong password
 */
export async function whenAvailable<Result>(
  open: () => Promise<Result>,
  { clock, onWait }: { clock: Clock; onWait: (reason: string) => void },
): Promise<Result> {
  for (let said = ''; ; ) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError || error instanceof InTheWayError)) throw error;
      const reason = reasonOf(error);
      if (reason !== said) onWait(reason);
      said = reason;
      await new Promise<void>((resolve) => clock.after(AGAIN_MS, resolve));
    }
  }
}
