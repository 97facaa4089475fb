import type { Machine } from './machine.ts';

/** Load average before the start above which the figures of a small machine are not to be trusted. */
const BUSY = 0.5;

/** Columns as wide as they must be; numbers stand under each other at their ends. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

export function machineLines(machine: Machine): string[] {
  const memory = `${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  const lines = [
    `${machine.processors} processors (${machine.model}), ${memory}, Linux ${machine.kernel}, Node ${machine.node}, load before ${machine.loadBefore.toFixed(2)}`,
  ];
  if (machine.loadBefore > BUSY) {
    lines.push('WARNING: the machine was busy with something else before the start; the figures are too low.');
  }
  if (machine.databaseInMemory) {
    lines.push('WARNING: the database was in memory, where a commit costs nothing. Choose a disk with --dir.');
  }
  return lines;
}

export function range(values: readonly number[], show: (value: number) => string = whole): string {
  return `${show(Math.min(...values))} to ${show(Math.max(...values))}`;
}

export function rate(value: number): string {
  return `${whole(value)} events/s`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

export function milliseconds(value: number): string {
  return value.toFixed(2);
}

export function total<T>(all: readonly T[], field: (one: T) => number): number {
  return all.reduce((sum, one) => sum + field(one), 0);
}
