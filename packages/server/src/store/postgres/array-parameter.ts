/**
 * Arrays as PostgreSQL's binary protocol takes them. Many rows go into one statement as one array for each column, read by
 * `unnest`; as text, every quote and backslash of every body would have to be escaped here and parsed there.
 * https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES, `array_recv` in `arrayfuncs.c`
 */

const TEXT_OID = 25;
const INT8_OID = 20;
/** One dimension, may hold nulls, the type of the elements, how many there are, and the number of the first. */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const INT8_BYTES = 8;
const NULL_LENGTH = -1;

/** A `text[]`. No text may hold a NUL, which PostgreSQL does not take. */
export function textArray(values: readonly (string | null)[]): Buffer {
  const size = values.reduce((sum, value) => sum + LENGTH_BYTES + (value === null ? 0 : Buffer.byteLength(value)), 0);
  const buffer = startArray(TEXT_OID, values.length, size);
  let offset = HEADER_BYTES;
  for (const value of values) {
    const length = value === null ? NULL_LENGTH : buffer.write(value, offset + LENGTH_BYTES, 'utf8');
    buffer.writeInt32BE(length, offset);
    offset += LENGTH_BYTES + Math.max(0, length);
  }
  return buffer;
}

/** A `bigint[]`, of safe integers. */
export function bigintArray(values: readonly (number | null)[]): Buffer {
  const size = values.reduce<number>((sum, value) => sum + LENGTH_BYTES + (value === null ? 0 : INT8_BYTES), 0);
  const buffer = startArray(INT8_OID, values.length, size);
  let offset = HEADER_BYTES;
  for (const value of values) {
    offset = buffer.writeInt32BE(value === null ? NULL_LENGTH : INT8_BYTES, offset);
    if (value !== null) offset = buffer.writeBigInt64BE(BigInt(value), offset);
  }
  return buffer;
}

function startArray(elementOid: number, count: number, size: number): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + size);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(1, 4);
  buffer.writeInt32BE(elementOid, 8);
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}
