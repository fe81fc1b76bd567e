import { setImmediate as turn } from 'node:timers/promises';
import { Random } from '@promptmq/wal/testing';
import { Callers, type Link } from './callers.ts';
import { proxyHeader, SocketLink, WebSocketLink } from './socket-link.ts';
import type { User } from './talker.ts';

/** Where a broker listens. */
export interface Ports {
  readonly tcp: number;
  readonly webSocket: number;
  /** TCP that begins with a PROXY protocol header; null for none. */
  readonly proxied: number | null;
}

export interface SocketRunResult {
  readonly packets: number;
  readonly connections: number;
}

/**
 * Clients talk to a broker in another process, over TCP, WebSocket and behind a proxy. The seed determines what they say, as
 * far as what comes back does.
 *
 * @param isAlive - whether the broker still is; looked at all the time
 * @throws when it isn't, or when what it sends is against the rules
 */
export async function fuzzSockets(
  seed: number,
  packetCount: number,
  { tcp, webSocket, proxied }: Ports,
  users: readonly User[],
  isAlive: () => boolean,
): Promise<SocketRunResult> {
  const random = new Random(seed);
  const open = (): Link => {
    const kind = random.below(4);
    if (kind === 0) return new WebSocketLink(webSocket, random);
    if (kind === 1 && proxied !== null) return new SocketLink(proxied, proxyHeader(random));
    return new SocketLink(tcp);
  };
  const callers = new Callers(random, open, () => random.pick(users));
  try {
    for (let step = 1; callers.packetCount < packetCount; step++) {
      const caller = callers.speak();
      if (step % 4 === 0) await turn();
      callers.listen(caller);
      if (!isAlive()) throw new Error('the broker has ended');
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  } finally {
    callers.closeAll();
  }
  return { packets: callers.packetCount, connections: callers.connectionCount };
}
