import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildShim } from './build-shim.ts';
import { type CrashLoopReport, runCrashLoop } from './crash-loop.ts';
import { withFolder } from './with-folder.ts';

export interface LosePowerOptions {
  kills: number;
  seed: number;
  ratePerSecond: number;
  /** As if answers came so many syncs before their own: must be found out. Default 0. */
  syncsEarly?: number;
  /** Default 0. */
  shortestLifeMs?: number;
}

/** Kills servers like `kill`, and takes from the disk whatever no sync covered that had returned, as a power failure would. */
export function losePower({ syncsEarly = 0, ...options }: LosePowerOptions): Promise<CrashLoopReport> {
  return withFolder(async (folder) => {
    const [disk, image] = [join(folder, 'disk'), join(folder, 'image')];
    mkdirSync(disk);
    mkdirSync(image);
    return await runCrashLoop({
      ...options,
      databaseUrl: `sqlite:${disk}/broxi.db`,
      env: {
        ...buildShim('synced-image', folder),
        DISK_FOLDER: disk,
        IMAGE_FOLDER: image,
        IMAGE_LAGS: String(syncsEarly),
      },
      whileDown: () => restore(disk, image),
    });
  });
}

function restore(disk: string, image: string): void {
  for (const name of readdirSync(disk)) rmSync(join(disk, name));
  for (const name of readdirSync(image)) copyFileSync(join(image, name), join(disk, name));
}
