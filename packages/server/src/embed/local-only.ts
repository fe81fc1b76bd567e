import type { Address } from '../config/index.ts';

/**
 * Where to listen while nobody has to prove who he is, and nobody has said that this is meant: an address without a host is this
 * machine's only then, of IPv4 and, where there is that, of IPv6, as localhost may be either. Where the system chooses the port, one
 * address has to do.
 */
export function localAddresses(address: Address): [first: Address, beside?: Address] {
  if (address.kind !== 'tcp' || address.host !== '') return [address];
  const first = { ...address, host: '127.0.0.1' };
  return address.port === 0 ? [first] : [first, { ...address, host: '::1' }];
}

/** @returns null where the machine doesn't have the address, as without IPv6 */
export async function unlessMissing<T>(open: () => Promise<T>): Promise<T | null> {
  try {
    return await open();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return null;
    throw error;
  }
}
