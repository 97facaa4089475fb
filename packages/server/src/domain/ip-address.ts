import { isIPv4, isIPv6 } from 'node:net';

/**
 * An address as 16 bytes, an IPv4 one in its IPv4-mapped form (RFC 4291). So `10.0.0.1` and `::ffff:10.0.0.1` are the same
 * address, of family 4: a socket reaches the same host through both.
 */
export interface IpAddress {
  family: 4 | 6;
  bytes: readonly number[];
}

/** Addresses of one family that share their first `prefixLength` of 128 bits. */
export interface IpNetwork extends IpAddress {
  prefixLength: number;
}

const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Parses a literal of either family, without brackets; a zone (`%eth0`) is dropped. Null if it is none. */
export function parseIp(text: string): IpAddress | null {
  if (isIPv4(text)) return ipv4(text.split('.').map(Number));
  if (!isIPv6(text)) return null;
  const [literal = ''] = text.split('%');
  const [head = '', tail] = literal.split('::');
  const first = groupBytes(head);
  const last = tail === undefined ? [] : groupBytes(tail);
  const zeros = new Array<number>(16 - first.length - last.length).fill(0);
  const bytes = [...first, ...zeros, ...last];
  return { family: MAPPED_PREFIX.every((byte, i) => bytes[i] === byte) ? 4 : 6, bytes };
}

/** @param bytes four of them */
export function ipv4(bytes: readonly number[]): IpAddress {
  return { family: 4, bytes: [...MAPPED_PREFIX, ...bytes] };
}

/**
 * Parses `10.0.0.0/8`, `fd00::/8`, or one address. Bits behind the prefix are ignored. Null if it is none of these.
 * An IPv6 prefix never covers IPv4 addresses, not even `::/0`.
 */
export function parseNetwork(text: string): IpNetwork | null {
  const [literal = '', length, ...rest] = text.split('/');
  const address = literal.includes('%') ? null : parseIp(literal);
  if (address === null || rest.length > 0) return null;
  const offset = isIPv4(literal) ? 96 : 0;
  if (length === undefined) return { ...address, prefixLength: 128 };
  if (!/^(0|[1-9]\d{0,2})$/.test(length)) return null;
  const prefixLength = Number(length) + offset;
  if (prefixLength > 128) return null;
  return { bytes: address.bytes, family: prefixLength < 96 ? 6 : address.family, prefixLength };
}

export function contains(network: IpNetwork, address: IpAddress): boolean {
  if (network.family !== address.family) return false;
  return address.bytes.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, network.prefixLength - 8 * i));
    return byte >> (8 - bits) === (network.bytes[i] ?? 0) >> (8 - bits);
  });
}

function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
