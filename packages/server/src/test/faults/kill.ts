import { runCrashLoop } from './crash-loop.ts';
import { crashTable } from './crash-table.ts';
import type { Finding } from './finding.ts';
import { withFolder } from './with-folder.ts';

export interface KillOptions {
  kills: number;
  seed: number;
  ratePerSecond: number;
  shortestLifeMs?: number;
}

/** `kill -9` at any moment, again and again. */
export function kill(options: KillOptions): Promise<Finding> {
  return withFolder(async (folder) => {
    const report = await runCrashLoop({ ...options, databaseUrl: `sqlite:${folder}/broxi.db` });
    return { title: `kill -9, seed ${options.seed}`, table: crashTable([['', report]]), breaches: report.breaches };
  });
}
