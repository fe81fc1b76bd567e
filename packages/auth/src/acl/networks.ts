import { BlockList, isIP } from 'node:net';

/** An IPv4 address as sockets for both families show it. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** What is wrong with an address or network such as `10.0.0.0/8`, in words; null when nothing is. */
export function networkFault(text: string): string | null {
  return parse(text) === null
    ? 'an address or network, such as 192.0.2.7, 10.0.0.0/8 or fd00::/8'
    : null;
}

/** Addresses and networks, of both families. */
export class Networks {
  readonly #list: BlockList;

  /** @throws {RangeError} when one is no address or network */
  constructor(networks: readonly string[]) {
    this.#list = new BlockList();
    for (const text of networks) {
      const network = parse(text);
      if (network === null) throw new RangeError(`${text}: it takes ${networkFault(text)}`);
      const { address, bits, family } = network;
      if (bits === null) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, bits, family);
    }
  }

  /** @param address - without port; what is no address is in no network */
  has(address: string): boolean {
    const plain = withoutZone(address);
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  }
}

function parse(text: string) {
  const [whole = '', bitsText, ...rest] = text.split('/');
  const address = whole;
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return null;
  const family = version === 4 ? ('ipv4' as const) : ('ipv6' as const);
  if (bitsText === undefined) return { address, bits: null, family };
  const bits = /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : Number.POSITIVE_INFINITY;
  return bits <= (version === 4 ? 32 : 128) ? { address, bits, family } : null;
}

/** Link-local addresses have the name of an interface; an IPv4 address may be shown as one of IPv6. */
function withoutZone(address: string): string {
  const plain = address.split('%')[0] as string;
  return MAPPED.exec(plain)?.[1] ?? plain;
}
