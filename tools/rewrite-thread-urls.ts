/**
 * Points the entries of threads at compiled files: `new URL('./x.ts', import.meta.url)` becomes `./x.js`. TypeScript's
 * `rewriteRelativeImportExtensions` does that for imports, and leaves URLs alone.
 */
export function rewriteThreadUrls(compiled: string): string {
  return compiled.replace(/(\bnew URL\(\s*(['"])\.{1,2}\/[^'"]*)\.ts(\2\s*,\s*import\.meta\.url\s*\))/g, '$1.js$3');
}
