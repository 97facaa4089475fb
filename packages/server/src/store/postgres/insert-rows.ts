import { type CellKind, COPIED_TABLES, type CopiedRow, type CopiedTable } from '../copied-tables.ts';
import { bigintArray, textArray } from './array-parameter.ts';
import type { Query } from './database.ts';
import { HISTORY, isAside } from './days.ts';
import { withoutNul } from './nul-free-text.ts';

/** Rows in one statement: what one parameter may hold is far away, and so is what a statement may take. */
const MOST_ROWS = 5_000;

/** Inserts rows as they are in another database, with their numbers. @param onConflict SQL; default: none may be there */
export async function insertRows<Table extends CopiedTable>(
  query: Query,
  table: Table,
  rows: readonly CopiedRow<Table>[],
  onConflict = '',
): Promise<void> {
  const text = insertInto(table, onConflict);
  const statements: Promise<unknown>[] = [];
  for (let from = 0; from < rows.length; from += MOST_ROWS) {
    statements.push(query(text, arraysOf(table, rows.slice(from, from + MOST_ROWS))));
  }
  await Promise.all(statements);
}

function insertInto(table: CopiedTable, onConflict: string): string {
  const columns = Object.entries<CellKind>(COPIED_TABLES[table]);
  const names = columns.map(([name]) => name).join(', ');
  const cells = columns.map(([name, kind]) => (kind === 'flag' ? `coalesce(${name}, 0) = 1` : name)).join(', ');
  const arrays = columns.map(([, kind], i) => `$${i + 1}::${isText(kind) ? 'text' : 'bigint'}[]`);
  const history = HISTORY.find((each) => each.table === table);
  const [side, isOn] = history === undefined ? ['', ''] : [', aside', `, ${isAside(history.key, history.prefix)}`];
  return `
    INSERT INTO broxi.${table} (${names}${side})
    SELECT ${cells}${isOn} FROM unnest(${arrays.join(', ')}) AS g (${names}) ${onConflict}`;
}

function arraysOf<Table extends CopiedTable>(table: Table, rows: readonly CopiedRow<Table>[]): Buffer[] {
  const columns = Object.entries<CellKind>(COPIED_TABLES[table]) as [keyof CopiedRow<Table>, CellKind][];
  return columns.map(([name, kind]) =>
    isText(kind)
      ? textArray(rows.map((row) => storable(row[name] as string | null, kind)))
      : bigintArray(rows.map((row) => row[name] as number | null)),
  );
}

/** What nobody would miss a NUL in, such as a description, is kept with the sign for what cannot be shown instead. */
function storable(text: string | null, kind: CellKind): string | null {
  return kind === 'free text' ? withoutNul(text) : (text?.replaceAll('\0', '\u{fffd}') ?? null);
}

function isText(kind: CellKind): boolean {
  return kind === 'text' || kind === 'free text';
}
