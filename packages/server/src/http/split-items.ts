/** A batch as text: its items, and what is around them. */
export interface SplitBatch {
  /** The text with an empty list in place of the items. */
  frame: string;
  items: string[];
}

/**
 * Cuts the items out of `[…]` or `{"events": […]}` without reading them, so that each can be read by itself.
 * @param text well-formed JSON
 * @returns null if there is no such list
 */
export function splitItems(text: string): SplitBatch | null {
  const start = startOfList(text);
  if (start === null) return null;
  const items: string[] = [];
  let itemStart = start + 1;
  let end = start + 1;
  for (let depth = 0; ; ) {
    const c = text[end];
    if (c === undefined) return null;
    if ((c === ',' || c === ']') && depth === 0) {
      const item = text.slice(itemStart, end).trim();
      if (item !== '') items.push(item);
      itemStart = end + 1;
      if (c === ']') break;
    } else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    end = c === '"' ? endOfText(text, end) : end + 1;
  }
  return { frame: `${text.slice(0, start)}[]${text.slice(end + 1)}`, items };
}

/** Position of the `[` of the list of items. */
function startOfList(text: string): number | null {
  const first = /^\uFEFF?[ \t\n\r]*([[{])/.exec(text);
  if (first === null) return null;
  if (first[1] === '[') return first[0].length - 1;
  let depth = 0;
  for (let i = first[0].length - 1; i < text.length; ) {
    const c = text[i];
    if (c === '"') {
      const end = endOfText(text, i);
      const list = /[ \t\n\r]*:[ \t\n\r]*\[/y;
      list.lastIndex = end;
      if (depth === 1 && JSON.parse(text.slice(i, end)) === 'events' && list.test(text)) return list.lastIndex - 1;
      i = end;
      continue;
    }
    if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    i++;
  }
  return null;
}

/** The position behind the quote that ends the text which begins at `start`. */
function endOfText(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}
