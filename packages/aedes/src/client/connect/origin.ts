import type { IncomingMessage } from 'node:http';
import type { Connection } from '../../types.ts';

interface Peer {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly encrypted?: boolean;
}

/** Where a client is, and by what it comes, for logs and lists of clients. */
export function originOf(
  conn: Connection,
  request: IncomingMessage | undefined,
): { readonly address: string; readonly protocol: string } {
  const { remoteAddress, remotePort, encrypted } = (request?.socket ?? conn) as Peer;
  const isSocket = remoteAddress !== undefined;
  const kinds = request === undefined ? ['tcp', 'tls'] : ['ws', 'wss'];
  return {
    address: isSocket ? `${remoteAddress}:${remotePort}` : 'stream',
    protocol: isSocket ? (kinds[encrypted ? 1 : 0] as string) : 'stream',
  };
}
