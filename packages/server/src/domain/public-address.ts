import { InvalidSettingError } from '../errors.ts';
import { contains, type IpAddress, type IpNetwork, ipv4, parseIp, parseNetwork } from './ip-address.ts';

/** What an address is for; only `public` ones are a receiver's on the internet. */
export type AddressClass =
  | 'public'
  | 'unspecified'
  | 'loopback'
  | 'private'
  | 'shared'
  | 'link_local'
  | 'site_local'
  | 'metadata'
  | 'documentation'
  | 'benchmarking'
  | 'multicast'
  | 'broadcast'
  | 'tunnel'
  | 'reserved'
  | 'invalid';

const IN_WORDS: Readonly<Record<Exclude<AddressClass, 'public'>, string>> = {
  unspecified: 'an unspecified address, which means this machine',
  loopback: 'a loopback address, which means this machine',
  private: 'an address of a private network',
  shared: 'an address shared behind a carrier (RFC 6598)',
  link_local: 'a link-local address',
  site_local: 'a site-local address',
  metadata: 'the address of a cloud metadata service, which is never reachable from here',
  documentation: 'an address reserved for documentation',
  benchmarking: 'an address reserved for benchmarks',
  multicast: 'a multicast address',
  broadcast: 'a broadcast address',
  tunnel: 'an address of an IPv6 tunnel (6to4 or Teredo)',
  reserved: 'a reserved address',
  invalid: 'not an IP address',
};

/**
 * Who answers there hands out the machine's credentials: AWS, Google, Azure, Oracle, OpenStack and others (169.254.169.254),
 * Amazon ECS and EKS, Alibaba, Azure's wire server, Oracle's old one, Scaleway, and their IPv6 forms.
 */
const METADATA = networks(
  ['169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200', '168.63.129.16', '192.0.0.192'],
  ['169.254.42.42', 'fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', 'fd00:42::42', 'fe80::a9fe:a9fe'],
);

/** IANA's special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates). The first that holds decides. */
const SPECIAL: readonly (readonly [AddressClass, readonly IpNetwork[]])[] = [
  ['loopback', networks(['127.0.0.0/8', '::1'])],
  ['unspecified', networks(['0.0.0.0/8', '::'])],
  ['private', networks(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', '64:ff9b:1::/48'])],
  ['shared', networks(['100.64.0.0/10'])],
  ['link_local', networks(['169.254.0.0/16', 'fe80::/10'])],
  ['site_local', networks(['fec0::/10'])],
  ['documentation', networks(['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'])],
  ['benchmarking', networks(['198.18.0.0/15', '2001:2::/48'])],
  ['multicast', networks(['224.0.0.0/4', 'ff00::/8'])],
  ['broadcast', networks(['255.255.255.255'])],
  ['tunnel', networks(['2002::/16', '2001::/32'])],
  ['reserved', networks(['192.0.0.0/24', '192.88.99.0/24', '240.0.0.0/4', '2001::/23'])],
  ['public', networks(['0.0.0.0/0', '2000::/3'])],
];

const [NAT64, LOCAL_NAT64, SIX_TO_FOUR, TEREDO] = ['64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', '2001::/32'].map(
  (cidr) => networks([cidr]),
);

/** What an IP literal (either family, no brackets) is for. IPv6 addresses that carry an IPv4 one are never more public than it. */
export function classifyAddress(ip: string): AddressClass {
  const address = parseIp(ip);
  return address === null ? 'invalid' : classify(address);
}

function classify(address: IpAddress): AddressClass {
  if (within(METADATA, address)) return 'metadata';
  const carried = carriedIpv4(address).map(classify);
  if (carried.includes('metadata')) return 'metadata';
  if (within(NAT64, address)) return carried[0] ?? 'reserved';
  const own = SPECIAL.find(([, members]) => within(members, address))?.[0] ?? 'reserved';
  // A local NAT64 network or a tunnel is refused anyway; what it leads to says more about why.
  return own === 'tunnel' ? (carried.find((kind) => kind !== 'public') ?? own) : own;
}

/** IPv4 addresses inside an IPv6 one: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo's server and client (RFC 4380). */
function carriedIpv4(address: IpAddress): IpAddress[] {
  const { bytes } = address;
  if (within(NAT64, address) || within(LOCAL_NAT64, address)) return [ipv4(bytes.slice(12))];
  if (within(SIX_TO_FOUR, address)) return [ipv4(bytes.slice(2, 6))];
  if (within(TEREDO, address)) return [ipv4(bytes.slice(4, 8)), ipv4(bytes.slice(12).map((byte) => byte ^ 0xff))];
  return [];
}

/** Decides which addresses may be connected to. */
export interface AddressPolicy {
  /** @returns why this IP literal must not be connected to, in words; null if it may */
  refuses(ip: string): string | null;
}

/**
 * Public addresses are allowed, and whatever lies in `allowNetworks` (CIDRs or single addresses); cloud metadata never is.
 * `allowLoopback` (default false) is short for `127.0.0.0/8` and `::1`.
 *
 * @throws InvalidSettingError for an entry that is not a network
 */
export function createAddressPolicy(options: {
  allowNetworks: readonly string[];
  allowLoopback?: boolean;
}): AddressPolicy {
  const allowed = options.allowNetworks.map((cidr) => {
    const network = parseNetwork(cidr);
    if (network !== null) return network;
    throw new InvalidSettingError(`"${cidr}" is not a network: expected a CIDR such as 10.0.0.0/8 or fd00::/8.`);
  });
  if (options.allowLoopback === true) allowed.push(...networks(['127.0.0.0/8', '::1']));
  return {
    refuses(ip) {
      const address = parseIp(ip);
      const kind = address === null ? 'invalid' : classify(address);
      if (kind === 'public') return null;
      if (address !== null && kind !== 'metadata' && within(allowed, address)) return null;
      return `${ip} is ${IN_WORDS[kind]}`;
    },
  };
}

function networks(...lists: readonly (readonly string[])[]): readonly IpNetwork[] {
  return lists
    .flat()
    .map(parseNetwork)
    .filter((network) => network !== null);
}

function within(members: readonly IpNetwork[] | undefined, address: IpAddress): boolean {
  return members?.some((network) => contains(network, address)) ?? false;
}
