import { readFile, writeFile } from 'node:fs/promises';

/** Ticks per second in /proc/<pid>/stat. Linux shows user space 100 on every architecture that Node supports (proc(5), USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Memory of a process in bytes: `rss` now, `peak` the most it ever was, or has been since {@link forgetPeak}. */
export interface Memory {
  rss: number;
  peak: number;
}

/** CPU seconds, user and kernel, that all threads of a process have used so far. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  return parseCpuSeconds(await readFile(`/proc/${pid}/stat`, 'utf8'));
}

/** CPU seconds of a process, of its children, and of those of them that have ended: what a PostgreSQL has used so far. */
export async function cpuSecondsOfFamily(pid: number): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number);
  const parent = parseCpuSecondsWithEnded(await readFile(`/proc/${pid}/stat`, 'utf8'));
  // One that ended meanwhile counts with its parent the next time.
  const alive = await Promise.all(children.map((child) => cpuSecondsOf(child).catch(() => 0)));
  return alive.reduce((sum, seconds) => sum + seconds, parent);
}

export async function memoryOf(pid: number): Promise<Memory> {
  return parseMemory(await readFile(`/proc/${pid}/status`, 'utf8'));
}

/** From now on `peak` is the most since now: 5 resets VmHWM, see proc(5), clear_refs. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** @param stat the text of /proc/<pid>/stat; fields 14 and 15 are utime and stime (proc(5)) */
export function parseCpuSeconds(stat: string): number {
  return secondsIn(stat, [14, 15]);
}

/** With what its children had used that have ended and were waited for: fields 16 and 17, cutime and cstime. */
export function parseCpuSecondsWithEnded(stat: string): number {
  return secondsIn(stat, [14, 15, 16, 17]);
}

/** @param numbers of fields, counted from 1 as in proc(5) */
function secondsIn(stat: string, numbers: readonly number[]): number {
  // Field 2 is the name in brackets and may hold blanks and brackets itself: count from the last closing one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = numbers.reduce((sum, number) => sum + Number(fields[number - 3]), 0);
  if (!Number.isFinite(ticks)) throw new Error(`Not the text of a /proc/<pid>/stat: ${stat.slice(0, 80)}`);
  return ticks / TICKS_PER_SECOND;
}

/** @param status the text of /proc/<pid>/status; VmRSS and VmHWM are in units of 1,024 bytes (proc(5)) */
export function parseMemory(status: string): Memory {
  const bytes = (field: string) => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kibibytes === undefined) throw new Error(`No ${field} in the status of the process: it has ended.`);
    return Number(kibibytes) * 1024;
  };
  return { rss: bytes('VmRSS'), peak: bytes('VmHWM') };
}
