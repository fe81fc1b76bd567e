import type { PublishView } from '@promptmq/codec';
import type { SharedGroup } from '@promptmq/topics';
import type { Config } from '../../config/index.ts';
import type { ForwardedTo } from '../../routing/peers.ts';
import type { Publisher } from '../../routing/publication.ts';
import type { Faults } from '../../runtime/faults.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { BrokerStats } from '../../runtime/stats.ts';
import type { Turns } from '../../runtime/turns.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';

/** What exchanging interest and messages of QoS 0 with other cells needs of the house: the broker of this cell. */
export interface PeersHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'defer' | 'setTimer'>;
  readonly stats: Pick<BrokerStats, 'dropped' | 'publishersHeldBack'>;
  readonly faults: Faults;
  readonly turns: Pick<Turns, 'used'>;
  readonly router: {
    readonly trie: { group(wholeFilter: string): SharedGroup<BrokerSession> | null };
    forwardView(view: PublishView, publisher: Publisher, to: ForwardedTo): void;
  };
}
