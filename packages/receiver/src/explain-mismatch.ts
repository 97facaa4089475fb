/** Bodies above this many characters are not parsed just to explain a refusal. */
const inspectedLength = 1_048_576;

/**
 * The likeliest reason why no signature matches, and what to do about it, from what is plain to see. It computes no further
 * signatures, and says nothing that helps a forger.
 */
export function explainMismatch(body: string | Uint8Array, secrets: readonly string[]): string {
  if (body.length === 0) {
    return 'The body is empty: something has probably read the request before. Verify first, and parse afterwards.';
  }
  if (isRewrittenJson(body)) {
    return 'The body is not compact JSON as it is sent: it was probably parsed and written again, with other bytes. Pass the raw body of the request, from before any JSON parser.';
  }
  if (secrets.some((secret) => /^(["'`]).*\1$/.test(secret))) {
    return 'The secret stands in quotation marks, which count as part of it. Remove them.';
  }
  if (!secrets.some((secret) => secret.startsWith('whsec_'))) {
    return 'The secret does not start with whsec_, as generated ones do. Copy it whole, or ignore this if you chose your own; then check that it belongs to this webhook.';
  }
  return 'The secret is probably that of another webhook, or was rotated: copy it again, and pass the old one too while both are valid. If it is the right one, something on the way changed the body: pass its raw bytes.';
}

/** Sent bodies are what `JSON.stringify` writes, so JSON that it would write otherwise has been through other hands. */
function isRewrittenJson(body: string | Uint8Array): boolean {
  if (body.length > inspectedLength) return false;
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  try {
    return JSON.stringify(JSON.parse(text)) !== text;
  } catch {
    return false;
  }
}
