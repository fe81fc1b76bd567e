import { isIPv4, isIPv6 } from 'node:net';

/** Which versions of the PROXY protocol are taken. */
export type ProxyVersions = 'v1' | 'v2' | 'any';

export type ProxyHeader =
  | { readonly status: 'incomplete' }
  | { readonly status: 'invalid'; readonly why: string }
  | {
      readonly status: 'complete';
      /** Bytes that the header takes. */
      readonly size: number;
      /** The client's address and port; null when the proxy speaks for itself, or doesn't know. */
      readonly source: string | null;
    };

/** The longest header of version 1, line end included (section 2.1 of the PROXY protocol). */
const V1_SIZE_MAX = 107;

/** The longest header of version 2 that is taken: addresses need 232 bytes, the rest is extensions. */
const V2_SIZE_MAX = 4096;

const V1_START = Buffer.from('PROXY ');
const V2_START = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V2_FIXED_SIZE = 16;

const INCOMPLETE: ProxyHeader = { status: 'incomplete' };
const invalid = (why: string): ProxyHeader => ({ status: 'invalid', why });

/**
 * Reads the header that a proxy sends before a client's first byte, strictly: whatever isn't exactly as
 * the specification of the PROXY protocol says is invalid.
 *
 * @param bytes - what has come so far; the header begins with the first byte
 */
export function parseProxyHeader(bytes: Buffer, versions: ProxyVersions): ProxyHeader {
  if (versions !== 'v2' && beginsAlike(bytes, V1_START)) return parseV1(bytes);
  if (versions !== 'v1' && beginsAlike(bytes, V2_START)) return parseV2(bytes);
  return invalid('no PROXY protocol header');
}

/** Whether a header has begun, as far as can be seen. */
export function mayBeProxyHeader(bytes: Buffer, versions: ProxyVersions): boolean {
  return (
    (versions !== 'v2' && beginsAlike(bytes, V1_START)) ||
    (versions !== 'v1' && beginsAlike(bytes, V2_START))
  );
}

/** Whether all there is of the beginning is right, if not all of it is there yet. */
function beginsAlike(bytes: Buffer, start: Buffer): boolean {
  const size = Math.min(bytes.length, start.length);
  return bytes.subarray(0, size).equals(start.subarray(0, size));
}

/** `PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\n` */
function parseV1(bytes: Buffer): ProxyHeader {
  const lineEnd = bytes.indexOf('\r\n');
  if (lineEnd === -1 || lineEnd + 2 > V1_SIZE_MAX) {
    return bytes.length >= V1_SIZE_MAX ? invalid('line longer than 107 bytes') : INCOMPLETE;
  }
  const size = lineEnd + 2;
  const [, family, ...fields] = bytes.toString('latin1', 0, lineEnd).split(' ');
  // The rest of the line is to be ignored: the proxy doesn't know the client's address.
  if (family === 'UNKNOWN') return { status: 'complete', size, source: null };
  if (family !== 'TCP4' && family !== 'TCP6') return invalid('unknown protocol family');
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6;
  const [source = '', destination = '', sourcePort = '', destinationPort = ''] = fields;
  if (fields.length !== 4) return invalid('not two addresses and two ports');
  // Zones such as %eth0 are no part of an address on the wire.
  if (!isAddress(source) || !isAddress(destination) || /%/.test(source + destination)) {
    return invalid('malformed address');
  }
  if (!isPort(sourcePort) || !isPort(destinationPort)) return invalid('malformed port');
  return { status: 'complete', size, source: toText(source, Number(sourcePort)) };
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** Signature (12), version and command (1), family (1), length of the rest (2), addresses, extensions. */
function parseV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED_SIZE) return INCOMPLETE;
  const versionAndCommand = bytes[12] as number;
  const family = bytes[13] as number;
  const size = V2_FIXED_SIZE + bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2) return invalid('version other than 2');
  const command = versionAndCommand & 0x0f;
  if (command > 1) return invalid('unknown command');
  if (size > V2_SIZE_MAX) return invalid(`header longer than ${V2_SIZE_MAX} bytes`);
  const addressSize = ADDRESS_SIZES[family];
  if (addressSize === undefined) return invalid('unknown address family or transport');
  if (command === 1 && size < V2_FIXED_SIZE + addressSize) return invalid('addresses cut short');
  if (bytes.length < size) return INCOMPLETE;
  // LOCAL is the proxy's own connection, such as a health check; what follows is to be skipped.
  if (command === 0) return { status: 'complete', size, source: null };
  if (!areExtensionsWhole(bytes, V2_FIXED_SIZE + addressSize, size)) {
    return invalid('malformed extension');
  }
  return { status: 'complete', size, source: sourceOf(bytes, family) };
}

const UNSPECIFIED = 0x00;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;
const UNIX_STREAM = 0x31;

/** Bytes of both addresses and ports, by family; datagrams make no sense here. */
const ADDRESS_SIZES: Record<number, number> = {
  [UNSPECIFIED]: 0,
  [TCP_OVER_IPV4]: 12,
  [TCP_OVER_IPV6]: 36,
  [UNIX_STREAM]: 216,
};

/** Extensions are type (1), length (2) and value. */
function areExtensionsWhole(bytes: Buffer, start: number, end: number): boolean {
  let offset = start;
  while (offset < end) {
    if (offset + 3 > end) return false;
    offset += 3 + bytes.readUInt16BE(offset + 1);
  }
  return offset === end;
}

function sourceOf(bytes: Buffer, family: number): string | null {
  if (family === TCP_OVER_IPV4) {
    const host = [...bytes.subarray(16, 20)].join('.');
    return toText(host, bytes.readUInt16BE(24));
  }
  if (family === TCP_OVER_IPV6) {
    const groups = Array.from({ length: 8 }, (_, index) =>
      bytes.readUInt16BE(16 + 2 * index).toString(16),
    );
    return toText(groups.join(':'), bytes.readUInt16BE(48));
  }
  return null;
}

function toText(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
