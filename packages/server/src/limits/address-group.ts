import { isIP, isIPv4 } from 'node:net';

/** An IPv4 address that comes to a listener for IPv6, too (RFC 4291, 2.5.5.2). */
const MAPPED = '::ffff:';

/**
 * What counts as one address: an IPv4 address, or the /64 of an IPv6 address, which is the least that a site has, so that
 * whoever has one has 2^64 addresses in it.
 *
 * @param remoteAddress - as in `192.0.2.1:50000` or `[2001:db8::1]:50000`, with or without a port
 * @returns such as `192.0.2.1` or `2001:db8:0:0::/64`; null for what has no address, such as a Unix domain socket
 */
export function addressGroupOf(remoteAddress: string): string | null {
  const address = withoutPort(remoteAddress);
  switch (isIP(address)) {
    case 4:
      return address;
    case 6:
      return groupOfIPv6(address.toLowerCase());
    default:
      return null;
  }
}

function withoutPort(address: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address);
  if (bracketed !== null) return bracketed[1] as string;
  return address.includes('.') ? address.replace(/:\d+$/, '') : address;
}

function groupOfIPv6(address: string): string {
  const mapped = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : '';
  if (isIPv4(mapped)) return mapped;
  const [plain = ''] = address.split('%', 1);
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 address at the end stands for two parts.
  const rightCount = right.length + (tail?.includes('.') ? 1 : 0);
  const zeros: string[] = tail === undefined ? [] : Array(8 - left.length - rightCount).fill('0');
  const network = [...left, ...zeros, ...right].slice(0, 4);
  return `${network.map((part) => Number.parseInt(part, 16).toString(16)).join(':')}::/64`;
}
