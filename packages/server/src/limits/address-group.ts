import { isIP } from 'node:net';

/**
 * What counts as one address: an IPv4 address, also where it is written as one of IPv6 (RFC 4291, 2.5.5.2), or the /64 of an IPv6
 * address, which is the least that a site has, so that whoever has one has 2^64 addresses in it.
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
  const parts = partsOf(address);
  const [high, low] = parts.slice(6) as [number, number];
  const isMapped = parts.slice(0, 5).every((part) => part === 0) && parts[5] === 0xffff;
  if (isMapped) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  return `${parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

/** The eight parts of an IPv6 address, however it is written. */
function partsOf(address: string): number[] {
  const [plain = ''] = address.split('%', 1);
  const [head = '', tail] = plain.replace(IPV4_AT_END, inHexadecimal).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros: string[] = tail === undefined ? [] : Array(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((part) => Number.parseInt(part, 16));
}

/** An IPv4 address at the end stands for two parts (RFC 4291, 2.2). */
const IPV4_AT_END = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/;

function inHexadecimal(_: string, ...bytes: string[]): string {
  const [a, b, c, d] = bytes.slice(0, 4).map(Number) as [number, number, number, number];
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
