import type { ListenerInfo } from '../listeners/listener-info.ts';

/** Addresses of the broker's WebSocket listeners, as this page would reach them; those that it may use first. */
export function addressesOf(
  listeners: readonly Pick<ListenerInfo, 'type' | 'bind'>[],
  { hostname, protocol }: { readonly hostname: string; readonly protocol: string },
): string[] {
  const own = protocol === 'https:' ? 'wss' : 'ws';
  return listeners
    .filter(({ type }) => type === 'ws' || type === 'wss')
    .sort((a, b) => Number(b.type === own) - Number(a.type === own))
    .map(({ type, bind }) => `${type}://${hostOf(bind, hostname)}:${portOf(bind)}/mqtt`);
}

/** A listener of all addresses is reached by that of this page. */
function hostOf(bind: string, hostname: string): string {
  const host = bind.slice(0, Math.max(0, bind.lastIndexOf(':')));
  const isAny = host === '' || host === '0.0.0.0' || host === '::' || host === '[::]';
  if (isAny || host === '127.0.0.1' || host === '[::1]') return hostname;
  return host;
}

function portOf(bind: string): string {
  return bind.slice(bind.lastIndexOf(':') + 1);
}
