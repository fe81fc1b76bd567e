import type { PublishView } from '@promptmq/codec';
import type { Message } from '@promptmq/session';
import type { RetainedStore, SharedGroup } from '@promptmq/topics';
import type { Config } from '../../config/index.ts';
import type { Logger } from '../../log/index.ts';
import type { ForwardedTo } from '../../routing/peers.ts';
import type { Publisher } from '../../routing/publication.ts';
import type { Faults } from '../../runtime/faults.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { BrokerStats } from '../../runtime/stats.ts';
import type { Turns } from '../../runtime/turns.ts';
import type { BrokerSession } from '../../sessions/broker-session.ts';
import type { Commits } from '../../storage/journal.ts';

/** What exchanging interest and messages of QoS 0 with other cells needs of the house: the broker of this cell. */
export interface PeersHost {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'now' | 'defer' | 'setTimer'>;
  readonly journal: Pick<Commits, 'whenCommitted'>;
  readonly stats: Pick<BrokerStats, 'dropped' | 'publishersHeldBack' | 'forwarding'>;
  readonly log: Logger;
  readonly faults: Faults;
  readonly turns: Pick<Turns, 'used'>;
  /** Has the sessions that stand for other cells, also while it recovers, and what waits there. */
  readonly sessions: {
    readonly cells: {
      of(cell: number): BrokerSession;
      readonly totals: { readonly bytes: number };
    };
  };
  readonly router: {
    readonly trie: { group(wholeFilter: string): SharedGroup<BrokerSession> | null };
    readonly retained: RetainedStore<Message>;
    /** The copy of a retained message that another cell keeps; an empty payload when there is none any more. */
    putRetained(message: Message): void;
    /** Removes a retained message that this cell keeps, without a message to subscribers. */
    clearRetainedOf(topic: string): void;
    forwardView(view: PublishView, publisher: Publisher, to: ForwardedTo): void;
  };
}
