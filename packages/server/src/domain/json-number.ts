/**
 * Whether JavaScript would give back another value than the JSON number `token` stands for: an integer (written without
 * fraction and exponent) beyond ±2^53, something too large or too small, or more digits than a double keeps.
 * `1.0`, `1e3` and `-0` are written differently afterwards, but mean the same.
 */
export function numberChanges(token: string): boolean {
  const value = Number(token);
  // Beyond 2^53 even an integer that a double happens to keep is refused: its neighbours would be merged into it.
  if (Math.abs(value) > 2 ** 53 && isIntegerToken(token)) return true;
  const written = JSON.stringify(value);
  if (written === token) return false;
  return !Number.isFinite(value) || normalize(token) !== normalize(written);
}

function isIntegerToken(token: string): boolean {
  return /^-?\d+$/.test(token);
}

/** Magnitude of a decimal as `<digits>e<exponent>`, without zeros at either end: equal texts are equal values. */
function normalize(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  // Loops, because /0+$/ takes quadratic time on a hostile row of zeros.
  let start = 0;
  let end = digits.length;
  while (start < end && digits[start] === '0') start++;
  while (end > start && digits[end - 1] === '0') end--;
  if (start === end) return '0';
  return `${digits.slice(start, end)}e${Number(exponent) - fraction.length + (digits.length - end)}`;
}
