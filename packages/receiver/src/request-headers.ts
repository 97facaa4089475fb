/**
 * The headers of a request: a `Headers` object, anything else with such a `get`, or a plain object as Node, Express and
 * most cloud functions hand over. Names are compared without case, and a name may have several values.
 */
export type RequestHeaders =
  | { get(name: string): string | null | undefined }
  | { readonly [name: string]: string | readonly string[] | undefined };

/**
 * A look-up by lower-case name. It joins repeated headers with `, ` as `Headers` does, gives null for one that is absent or
 * empty, and takes no offence at values of any other type: what a stranger sends must not throw.
 */
export function headerReader(headers: RequestHeaders): (name: string) => string | null {
  const { get } = headers;
  if (typeof get === 'function') {
    return (name) => {
      const value: unknown = get.call(headers, name);
      return (typeof value === 'string' && value.trim()) || null;
    };
  }
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item !== 'string') continue;
      const earlier = values.get(lower);
      values.set(lower, earlier === undefined ? item : `${earlier}, ${item}`);
    }
  }
  return (name) => values.get(name)?.trim() || null;
}
