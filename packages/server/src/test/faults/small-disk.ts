import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallDisk {
  folder: string;
  freeBytes(): number;
  /** Takes away the file that took up space from the start. */
  makeRoom(): void;
}

/**
 * Hands over a disk of its own, in memory, part of which is taken up; it is gone afterwards.
 * @throws if it cannot be mounted, which takes root on Linux
 */
export async function withSmallDisk<Result>(
  { folder, sizeBytes, takenBytes }: { folder: string; sizeBytes: number; takenBytes: number },
  use: (disk: SmallDisk) => Promise<Result>,
): Promise<Result> {
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch (cause) {
    throw new Error('A full disk needs a small one, which could not be mounted: run this as root on Linux.', { cause });
  }
  try {
    const ballast = join(folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(takenBytes));
    return await use({
      folder,
      freeBytes() {
        const { bavail, bsize } = statfsSync(folder);
        return bavail * bsize;
      },
      makeRoom: () => rmSync(ballast),
    });
  } finally {
    execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' });
  }
}
