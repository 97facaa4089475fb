/** `npm run simulate:mutants`: each breakage has to be found within so many seeds. Exit code 1: one was not. */
import { parseArgs } from 'node:util';
import { findBreakage } from './find-breakage.ts';
import { MUTANTS } from './mutants.ts';

const { values } = parseArgs({
  options: {
    /** The most for each. */
    seeds: { type: 'string', default: '5000' },
    /** Only those whose names contain it. */
    only: { type: 'string', default: '' },
  },
});

console.log('| breakage | in | found by seed | as |\n| --- | --- | --- | --- |');
for (const mutant of MUTANTS.filter(({ name }) => name.includes(values.only))) {
  const found = await findBreakage(mutant, Number(values.seeds));
  console.log(`| ${mutant.name} | \`${mutant.file}\` | ${found?.seed ?? 'NOT FOUND'} | ${found?.breach ?? ''} |`);
  if (found === null) process.exitCode = 1;
}
