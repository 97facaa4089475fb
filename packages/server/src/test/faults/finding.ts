/** What a fault program found out. */
export interface Finding {
  title: string;
  /** The first row is the heading. */
  table: readonly (readonly (string | number)[])[];
  /** One sentence for each promise that was broken; empty: all were kept. */
  breaches: readonly string[];
}

/** More of them say no more. */
const MOST_BREACHES = 20;

export function renderFinding({ title, table, breaches }: Finding): string {
  const [heading = [], ...rows] = table;
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const lines = [`**${title}**`, '', line(heading), line(heading.map(() => '---')), ...rows.map(line), ''];
  const shown = breaches.slice(0, MOST_BREACHES).map((breach) => `BREACH: ${breach}`);
  const more = breaches.length - shown.length;
  return [...lines, ...shown, ...(more > 0 ? [`and ${more} more breaches`] : [])].join('\n');
}
