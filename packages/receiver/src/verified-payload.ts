/** What a body says once it is verified. Fields that it does not have as text are null. */
export interface VerifiedPayload {
  payload: unknown;
  event: string | null;
  deliveryId: string | null;
}

export function readPayload(body: string | Uint8Array): VerifiedPayload {
  const payload = parseJson(body);
  const fields: { event?: unknown; delivery_id?: unknown } =
    typeof payload === 'object' && payload !== null ? payload : {};
  return { payload, event: textOrNull(fields.event), deliveryId: textOrNull(fields.delivery_id) };
}

function parseJson(body: string | Uint8Array): unknown {
  try {
    // Fatal: bytes that are no UTF-8 must not become a payload in which they were replaced.
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
