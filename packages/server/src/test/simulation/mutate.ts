import { registerHooks } from 'node:module';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const ROOT = new URL('../../', import.meta.url);

/** @throws Error if there is none of this name */
export function findMutant(name: string): Mutant {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant "${name}"`);
  return mutant;
}

/** The source with the breakage in it. @throws Error unless what is replaced stands there exactly once */
export function mutated(source: string, { name, find, replace }: Mutant): string {
  const [before, after, ...more] = source.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`mutant "${name}": what it replaces must stand in its file exactly once`);
  }
  return before + replace + after;
}

/** From now on the process loads the file with the breakage in it. The file itself stays as it is. */
export function mutateModules(mutant: Mutant): void {
  const url = new URL(mutant.file, ROOT).href;
  registerHooks({
    load(loading, context, next) {
      const loaded = next(loading, context);
      if (loading !== url) return loaded;
      const { source } = loaded;
      if (source === null || source === undefined) throw new Error(`${url} has no source`);
      const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8');
      return { ...loaded, source: mutated(text, mutant) };
    },
  });
}
