import { BlockList } from 'node:net';
import { parseNetwork } from '../../config/index.ts';

/**
 * The addresses from which a PROXY protocol header is believed. A Unix domain socket always is: who may open it is
 * settled by the permissions of its folder.
 */
export class TrustedProxies {
  #networks: readonly string[] = [];
  #list = new BlockList();

  /** @param networks - addresses, and networks such as `10.0.0.0/8`; see `parseNetwork` */
  set(networks: readonly string[]): void {
    if (networks === this.#networks) return;
    this.#networks = networks;
    this.#list = new BlockList();
    for (const text of networks) {
      const network = parseNetwork(text);
      if (network !== null) this.#list.addSubnet(network.host, network.bits, network.family);
    }
  }

  /** @param host - as of `hostOf` */
  has(host: string | null): boolean {
    if (host === null) return true;
    const [address = ''] = host.split('%', 1);
    return this.#list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  }
}
