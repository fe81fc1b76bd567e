import { listenerName } from './listener-problems.ts';
import type { Config } from './schema.ts';
import { type ChainItem, chainOf, isLocalOnly } from './sections/auth/chain.ts';

/** Providers that are asked, and about whom. */
export interface AskedChain {
  readonly items: readonly ChainItem[];
  /** The option that says so, such as `auth.chain`. */
  readonly key: string;
  /** The name of the listener whose clients it is for; null for those of all that have none of their own. */
  readonly listener: string | null;
}

/** All chains of a configuration; the first is the common one. */
export function chainsOf(config: Pick<Config, 'auth' | 'listeners' | 'server'>): AskedChain[] {
  const chains: AskedChain[] = [{ items: chainOf(config), key: 'auth.chain', listener: null }];
  for (const [index, listener] of config.listeners.entries()) {
    const { auth: items } = listener;
    if (items === undefined) continue;
    chains.push({ items, key: `listeners[${index}].auth`, listener: listenerName(listener) });
  }
  return chains;
}

/** Who is asked about the clients of a listener, by its name. */
export function chainAt(
  config: Pick<Config, 'auth' | 'listeners' | 'server'>,
  name: string,
): readonly ChainItem[] {
  const chains = chainsOf(config);
  return (chains.find(({ listener }) => listener === name) ?? (chains[0] as AskedChain)).items;
}

/** Whether addresses of a listener without a host are this machine's only. One that says who is asked means what it says, also nobody. */
export function isKeptLocal(
  config: Pick<Config, 'auth' | 'listeners' | 'server'>,
  name: string,
): boolean {
  return isLocalOnly(config) && !chainsOf(config).some(({ listener }) => listener === name);
}
