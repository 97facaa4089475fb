import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidSettingError } from '../errors.ts';
import { type AddressClass, classifyAddress, createAddressPolicy } from './public-address.ts';

/** First and last address of each network, and their neighbours outside it. */
const EXPECTED: readonly (readonly [AddressClass, string])[] = [
  [
    'public',
    '1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 172.15.255.255 172.32.0.0',
  ],
  [
    'public',
    '169.253.255.255 169.255.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255',
  ],
  [
    'public',
    '2606:4700:4700::1111 2a00:1450:4001::1 2001:200:: 2001:4860:4860::8888 2003:: ::ffff:8.8.8.8 64:ff9b::8.8.8.8',
  ],
  ['unspecified', '0.0.0.0 0.255.255.255 :: ::ffff:0.0.0.0'],
  [
    'loopback',
    '127.0.0.1 127.255.255.255 ::1 0:0:0:0:0:0:0:1 ::ffff:127.0.0.1 ::ffff:7f00:1 64:ff9b::7f00:1 2002:7f00:1::',
  ],
  [
    'private',
    '10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.1 192.168.255.255 fc00:: fdff::1 ::ffff:10.0.0.1',
  ],
  ['private', '64:ff9b::10.1.2.3 64:ff9b:1::1 2002:c0a8:0101::1 2001:0:808:808:0:0:f5ff:fffe 2001:0:a00:1::'],
  ['shared', '100.64.0.0 100.127.255.255 64:ff9b::100.64.0.1'],
  ['link_local', '169.254.0.1 169.254.255.255 fe80::1 fe80::1%eth0 febf::1'],
  ['site_local', 'fec0::1 feff::1'],
  [
    'metadata',
    '169.254.169.254 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe 64:ff9b::a9fe:a9fe 64:ff9b:1::a9fe:a9fe 2002:a9fe:a9fe::',
  ],
  [
    'metadata',
    'fd00:ec2::254 fd00:0ec2:0:0::0254 100.100.100.200 168.63.129.16 169.254.170.2 192.0.0.192 fd20:ce::254',
  ],
  ['metadata', '2001:0:a9fe:a9fe:: 2001:0:808:808:0:0:5601:5601'],
  ['documentation', '192.0.2.1 198.51.100.255 203.0.113.7 2001:db8::1 3fff::1 3fff:fff:ffff::'],
  ['benchmarking', '198.18.0.0 198.19.255.255 2001:2::1'],
  ['multicast', '224.0.0.1 239.255.255.255 ff02::1'],
  ['broadcast', '255.255.255.255'],
  ['tunnel', '2002:808:808::1 2001:0:808:808:0:0:f7f7:f7f7'],
  [
    'reserved',
    '192.0.0.1 192.88.99.1 240.0.0.1 255.255.255.254 ::7f00:1 ::8.8.8.8 ::ffff:0:8.8.8.8 100::1 2001:20::1 5f00::1 4000::1 1fff::1',
  ],
  ['invalid', 'localhost 127.1 0x7f.0.0.1 [::1] 1.2.3.4.5 ::1::2 256.1.1.1 01.2.3.4'],
];

test('classifies every special network of both families', () => {
  for (const [kind, ips] of EXPECTED) {
    for (const ip of ips.split(' ')) assert.equal(classifyAddress(ip), kind, ip);
  }
  assert.equal(classifyAddress(''), 'invalid');
});

test('refuses what is not public, in words', () => {
  const { refuses } = createAddressPolicy({ allowNetworks: [] });
  for (const [kind, ips] of EXPECTED) {
    for (const ip of ips.split(' ')) assert.equal(refuses(ip) === null, kind === 'public', ip);
  }
  assert.equal(refuses('10.0.0.1'), '10.0.0.1 is an address of a private network');
});

test('takes allowed networks, in every form of an address; metadata stays shut', () => {
  const { refuses } = createAddressPolicy({
    allowNetworks: ['10.1.0.0/16', '192.168.0.7', 'fd00::/8', '169.254.0.0/16', '::ffff:172.16.0.0/112'],
  });
  for (const ip of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.0.7', 'fd12::1', '169.254.1.1', '172.16.255.1'])
    assert.equal(refuses(ip), null, ip);
  for (const ip of [
    '10.2.0.0',
    '10.0.255.255',
    '192.168.0.8',
    'fc00::1',
    '169.254.169.254',
    'fd00:ec2::254',
    '127.0.0.1',
    '172.17.0.0',
    '64:ff9b::10.1.2.3',
    '',
  ]) {
    assert.notEqual(refuses(ip), null, ip);
  }
  const all = createAddressPolicy({ allowNetworks: ['0.0.0.0/0', '::/0'] });
  for (const ip of [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    'fd00:ec2::254',
    '64:ff9b:1::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    'x',
  ]) {
    assert.notEqual(all.refuses(ip), null, ip);
  }
  const six = createAddressPolicy({ allowNetworks: ['::/0'] });
  assert.equal(six.refuses('::1'), null);
  assert.notEqual(six.refuses('127.0.0.1'), null);
  assert.notEqual(six.refuses('::ffff:127.0.0.1'), null);
});

test('loopback is allowed by itself', () => {
  const { refuses } = createAddressPolicy({ allowNetworks: [], allowLoopback: true });
  for (const ip of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) assert.equal(refuses(ip), null, ip);
  for (const ip of ['0.0.0.0', '10.0.0.1', '::', '64:ff9b::127.0.0.1']) assert.notEqual(refuses(ip), null, ip);
});

test('refuses settings that are not networks', () => {
  for (const cidr of [
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/8',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    'fd00::/129',
    'intranet',
    '10.0.0.0/8/8',
    'fe80::%eth0/64',
    '10.0.0.0/8 ',
  ]) {
    assert.throws(
      () => createAddressPolicy({ allowNetworks: [cidr] }),
      (e) => e instanceof InvalidSettingError && e.message.includes(`"${cidr}"`),
      cidr,
    );
  }
});

test('networks of any length agree with the ones of node:net', () => {
  const ip4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => bytes.join('.'));
  fc.assert(
    fc.property(ip4, ip4, fc.nat(32), (base, other, length) => {
      const ip = `10.${other.split('.').slice(1).join('.')}`;
      const network = `10.${base.split('.').slice(1).join('.')}`;
      const list = new BlockList();
      list.addSubnet(network, length, 'ipv4');
      const { refuses } = createAddressPolicy({ allowNetworks: [`${network}/${length}`] });
      assert.equal(refuses(ip) === null, list.check(ip, 'ipv4'));
    }),
  );
});
