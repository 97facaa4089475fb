import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { contains, type IpAddress, type IpNetwork, ipv4, parseIp, parseNetwork } from './ip-address.ts';

const hex = (address: IpAddress | null) => address && Buffer.from(address.bytes).toString('hex');

function address(text: string): IpAddress {
  const parsed = parseIp(text);
  assert.ok(parsed, text);
  return parsed;
}

function network(text: string): IpNetwork {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
}

test('reads every form of an IPv6 address', () => {
  const full = '20010db8000000000000000000000001';
  for (const text of [
    '2001:db8::1',
    '2001:DB8:0:0:0:0:0:1',
    '2001:0db8::0:1',
    '2001:db8::1%eth0',
    '2001:db8::0.0.0.1',
  ]) {
    assert.equal(hex(parseIp(text)), full, text);
  }
  assert.equal(hex(parseIp('::')), '0'.repeat(32));
  assert.equal(hex(parseIp('1::')), `0001${'0'.repeat(28)}`);
  assert.equal(hex(parseIp('1:2:3:4:5:6:7:8')), '00010002000300040005000600070008');
});

test('an IPv4 address and its mapped form are the same address', () => {
  for (const text of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '0:0:0:0:0:ffff:10.1.2.3']) {
    assert.deepEqual(parseIp(text), ipv4([10, 1, 2, 3]), text);
  }
  assert.equal(parseIp('::10.1.2.3')?.family, 6);
});

test('what is no literal is null', () => {
  for (const text of [
    '',
    'localhost',
    '[::1]',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '0x7f.1',
    '1::2::3',
    ':',
    '12345::',
    '1.2.3.4/8',
  ]) {
    assert.equal(parseIp(text), null, text);
    assert.equal(text.includes('/') || parseNetwork(text), text.includes('/') || null, text);
  }
});

test('agrees with node:net on what is a literal, and keeps its value', () => {
  const literal = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 12 }));
  fc.assert(
    fc.property(literal, (text) => {
      const parsed = parseIp(text);
      assert.equal(parsed === null, isIP(text) === 0);
      if (parsed === null) return;
      const groups = Array.from(
        { length: 8 },
        (_, i) => (parsed.bytes[2 * i] ?? 0) * 256 + (parsed.bytes[2 * i + 1] ?? 0),
      );
      assert.deepEqual(parseIp(groups.map((group) => group.toString(16)).join(':')), parsed);
    }),
  );
});

test('a network holds what shares its first bits, and bits behind them do not count', () => {
  const cases: [string, string, boolean][] = [
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.9.9.9/8', '10.0.0.0', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/9', '10.127.255.255', true],
    ['10.0.0.0/9', '10.128.0.0', false],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.6', false],
    ['10.0.0.6/31', '10.0.0.7', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['fd00::/8', 'fdff::1', true],
    ['fd00::/8', 'fc00::1', false],
    ['::1', '::1', true],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
  ];
  for (const [cidr, text, expected] of cases)
    assert.equal(contains(network(cidr), address(text)), expected, `${cidr} ${text}`);
});

test('no IPv6 network holds an IPv4 address, and the other way round', () => {
  for (const cidr of ['::/0', '::/80', '::ffff:0:0/95'])
    assert.equal(contains(network(cidr), address('10.0.0.1')), false, cidr);
  assert.equal(contains(network('0.0.0.0/0'), address('::1')), false);
});

test('what is no network is null', () => {
  for (const text of [
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    'fd00::/129',
    'fe80::1%eth0',
    'x/8',
  ]) {
    assert.equal(parseNetwork(text), null, text);
  }
});
