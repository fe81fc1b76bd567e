import { NEVER_EXPIRES, type QueueTotals, Session } from '@promptmq/session';
import { invariant, type Subscription } from '@promptmq/topics';
import type { SessionPeer } from '../../connection/peer.ts';
import type { JournalEntry } from '../../storage/journal.ts';
import type { SessionRecord } from '../../storage/records/session-record.ts';
import type { BrokerSession } from '../broker-session.ts';
import type { SessionsHost } from '../host.ts';

/** Client identifiers below this are those of other cells: no client can have U+0000 in its own [MQTT-1.5.4-2]. */
const PREFIX = '\0cell/';

/** Sequences that a process may give in a millisecond before those of the next process could be the same. */
const SEQUENCES_PER_MS = 1024;

const NO_SUBSCRIPTIONS: { values(): Iterable<Subscription> } = new Map();

/** Whether a session is another cell's, and no client's. */
export function isCellIdentifier(clientId: string): boolean {
  return clientId.startsWith(PREFIX);
}

/** A session of another cell, as it is written. */
class CellEntry implements JournalEntry {
  readonly session: BrokerSession;
  readonly number: number;
  readonly subscriptions = NO_SUBSCRIPTIONS;
  readonly owner = null;
  readonly disconnectedAt = -1;
  readonly willDueAt = Number.POSITIVE_INFINITY;
  readonly will = null;

  constructor(session: BrokerSession, number: number) {
    this.session = session;
    this.number = number;
  }
}

/**
 * What waits for other cells: a session for each, whose messages are stored as those of any other. It is no client's: nobody
 * finds it among the clients, it never expires, and no limit of a client's queue has anything of it dropped. What is retained doesn't
 * expire in it either: the cell that keeps it would go on with what it had before.
 *
 * Sequences of a process begin at the wall clock. A power cut may take numbers that another cell has seen, where the log isn't
 * synced with each record; nothing else is to have them afterwards, as the other cell would take it for what it has.
 */
export class CellSessions {
  readonly #host: SessionsHost;
  /** By cell. */
  readonly #entries: Map<number, CellEntry>;
  readonly totals: QueueTotals;

  constructor(host: SessionsHost) {
    this.#host = host;
    this.#entries = new Map();
    this.totals = {
      messagesMax: Number.POSITIVE_INFINITY,
      bytesMax: Number.POSITIVE_INFINITY,
      messages: 0,
      bytes: 0,
    };
  }

  /** The session of another cell; there is one from now on, also after a restart. */
  of(cell: number): BrokerSession {
    const known = this.#entries.get(cell);
    if (known !== undefined) return known.session;
    const { journal } = this.#host;
    const entry = this.#add(cell, journal.takeNumber());
    if (entry.number > 0) journal.writeSession(entry);
    this.#begin(entry);
    return entry.session;
  }

  /** All there are. */
  *all(): Generator<readonly [cell: number, session: BrokerSession]> {
    for (const [cell, { session }] of this.#entries) yield [cell, session];
  }

  #add(cell: number, number: number): CellEntry {
    const { clientEvents, journal, stats } = this.#host;
    const clientId = PREFIX + cell;
    const session: BrokerSession = new Session<SessionPeer>(clientId, {
      number,
      store: number > 0 ? journal : null,
      messagesMax: Number.POSITIVE_INFINITY,
      bytesMax: Number.POSITIVE_INFINITY,
      overflow: 'drop-newest',
      keepsRetained: true,
      totals: this.totals,
      onDrop: (reason, { message, qos }) => {
        // Only what is stored waits for a cell that is away.
        if (qos === 0) {
          stats.dropped['cell-away']++;
          return;
        }
        clientEvents.messageDropped(clientId, reason, message.topic, session.queue.length);
        session.link?.onGivenUp?.();
      },
    });
    session.expiryInterval = NEVER_EXPIRES;
    const entry = new CellEntry(session, number);
    this.#entries.set(cell, entry);
    return entry;
  }

  /** Numbers from here on are this process's. */
  #begin({ session: { stored } }: CellEntry): void {
    if (stored === null) return;
    const first = this.#host.runtime.wallNow() * SEQUENCES_PER_MS;
    stored.lastSequence = Math.max(stored.lastSequence, first);
  }

  // -------------------------------------------------------------------- recovery

  restore({ clientId, number }: SessionRecord): JournalEntry {
    return this.#add(Number(clientId.slice(PREFIX.length)), number);
  }

  /** All has been read. */
  takeUp(): void {
    for (const entry of this.#entries.values()) {
      entry.session.stored?.endRestoring();
      this.#begin(entry);
    }
  }

  /** @throws {Error} when something isn't as it has to be; for tests */
  checkInvariants(): void {
    let messages = 0;
    for (const [cell, { session }] of this.#entries) {
      session.checkInvariants();
      messages += session.queue.length;
      invariant(session.clientId === PREFIX + cell, `the session of cell ${cell} is another's`);
      invariant(!session.isEnded, `the session of cell ${cell} has ended`);
    }
    invariant(messages === this.totals.messages, `${this.totals.messages} of ${messages} messages`);
  }
}
