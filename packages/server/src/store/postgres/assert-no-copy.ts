import { InvalidSettingError } from '../../errors.ts';
import { openPool, Reads } from './database.ts';

/**
 * What a copy has not finished is not whole, and its source may still be in use.
 * @throws InvalidSettingError if there is one; StoreUnavailableError
 */
export async function assertNoCopyUnderWay(url: string): Promise<void> {
  const reads = new Reads(openPool(url, 1));
  try {
    const unfinished = await reads.query('SELECT source FROM broxi.copies WHERE finished_at IS NULL');
    if (unfinished.length === 0) return;
    throw new InvalidSettingError(
      'BROXI_DATABASE_URL names a database that another one is being copied into. Run broxi-webhooks copy again until it says that it is done.',
    );
  } finally {
    await reads.close();
  }
}
