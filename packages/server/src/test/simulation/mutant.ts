/** A small breakage of the product: a text in one of its files, and what stands there instead. */
export interface Mutant {
  name: string;
  /** Below `packages/server/src/`. */
  file: string;
  /** Found exactly once in that file. */
  find: string;
  replace: string;
}
