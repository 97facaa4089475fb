import type { Mutant } from './mutant.ts';
import { BATCHES } from './mutants/batches.ts';
import { FALLBACK } from './mutants/fallback.ts';
import { FORMER_ERRORS } from './mutants/former-errors.ts';
import { LANES } from './mutants/lanes.ts';
import { NODES } from './mutants/nodes.ts';
import { RETRIES_AND_CIRCUITS } from './mutants/retries-and-circuits.ts';
import { RUN_ORDER } from './mutants/run-order.ts';

/** Breaks a rule in each of its parts; the last ones are errors that the simulation found. */
export const MUTANTS: readonly Mutant[] = [
  ...RETRIES_AND_CIRCUITS,
  ...LANES,
  ...BATCHES,
  ...FALLBACK,
  ...RUN_ORDER,
  ...NODES,
  ...FORMER_ERRORS,
];
