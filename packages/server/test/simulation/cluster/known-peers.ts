import type { Route } from '@promptmq/topics';
import type { Forwarding } from '../../../src/cluster/forwarding/forwarding.ts';
import type { PeerGroup, PeerRoute, Peers, PeerTarget } from '../../../src/routing/peers.ts';
import type { BrokerSession } from '../../../src/sessions/broker-session.ts';
import type { SimulatedCell } from './simulated-cell.ts';

/** Looks into the other cells for who has subscribed there. QoS 0 is lost: nobody is owed it. */
export class KnownPeers implements Peers {
  readonly #forwarding: Forwarding;
  readonly #others: readonly SimulatedCell[];
  /** No limit is reached here. */
  readonly backlogBytes = 0;
  #turn = 0;

  /** @param forwarding - of the process that routes, which others may follow */
  constructor(forwarding: Forwarding, others: readonly SimulatedCell[]) {
    this.#forwarding = forwarding;
    this.#others = others;
  }

  routeOf({ topic }: Pick<Route<BrokerSession>, 'topic'>): PeerRoute | null {
    const targets: PeerTarget[] = [];
    const groups = new Map<string, PeerTarget[]>();
    for (const other of this.#others) {
      const match = other.trie?.match(topic);
      if (match === undefined) continue;
      if (match.recipients.length > 0) {
        const qos = Math.max(...match.recipients.map((one) => one.qos)) as 0 | 1 | 2;
        targets.push(this.#target(other, null, qos));
      }
      for (const { wholeFilter, members } of match.groups) {
        const qos = Math.max(...members.map(({ recipient }) => recipient.qos)) as 0 | 1 | 2;
        const target = this.#target(other, wholeFilter, qos);
        const known = groups.get(wholeFilter);
        if (known === undefined) groups.set(wholeFilter, [target]);
        else known.push(target);
      }
    }
    if (targets.length === 0 && groups.size === 0) return null;
    return { targets, groups: [...groups].map((one) => this.#group(...one)) };
  }

  #target({ cell }: SimulatedCell, group: string | null, qos: 0 | 1 | 2): PeerTarget {
    const forwarding = this.#forwarding;
    const peer = {
      cell,
      session: forwarding.sessionOf(cell),
      noteStored: (topic: string, ahead: number) => forwarding.noteStored(cell, topic, ahead),
      isBehind: (topic: string) => forwarding.isBehind(cell, topic),
    };
    return { peer, group, qos };
  }

  #group(wholeFilter: string, elsewhere: readonly PeerTarget[]): PeerGroup {
    return {
      wholeFilter,
      next: (isHere) => {
        const choices = isHere ? [null, ...elsewhere] : elsewhere;
        return choices[this.#turn++ % choices.length] ?? null;
      },
    };
  }

  // Each cell keeps what its own clients retain.

  keeperOf(): null {
    return null;
  }

  onRetained(): void {}

  onNotRetained(): void {}

  clearRetained(): void {}

  sendQoS0(): void {}
}
