import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** The folder that everything in `deploy/` is built from. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function readText(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

/** The documents of a YAML file. @throws for what YAML does not allow, such as a key that comes twice, or only warns of */
export function readYaml(path: string): unknown[] {
  const documents = parseAllDocuments(readText(path), { uniqueKeys: true, strict: true });
  if (!Array.isArray(documents)) throw new Error(`${path} is empty.`);
  return documents.map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw new Error(`${path}: ${problem.message}`);
    return document.toJS() as unknown;
  });
}
