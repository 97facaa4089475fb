import { statfs } from 'node:fs/promises';
import { arch, cpus, loadavg, release, totalmem } from 'node:os';

/** f_type of file systems that live in memory (statfs(2)): tmpfs and ramfs. */
const MEMORY_FILE_SYSTEMS = [0x01021994, 0x858458f6];

/** Where a result was measured; without it figures cannot be compared. */
export interface Machine {
  processors: number;
  model: string;
  architecture: string;
  kernel: string;
  memoryBytes: number;
  node: string;
  /** Load average of the last minute before the start: above about 0.5, something else was running. */
  loadBefore: number;
  /** Whether the database was on a file system in memory, where a commit costs nothing and the result means little. */
  databaseInMemory: boolean;
}

/** @param directory the one in which the database will be */
export async function describeMachine(directory: string): Promise<Machine> {
  const { type } = await statfs(directory);
  return {
    processors: cpus().length,
    model: cpus()[0]?.model.trim() || 'unknown',
    architecture: arch(),
    kernel: release(),
    memoryBytes: totalmem(),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    databaseInMemory: MEMORY_FILE_SYSTEMS.includes(type),
  };
}
