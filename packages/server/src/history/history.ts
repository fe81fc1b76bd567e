import { invariant } from '@promptmq/topics';
import { ClientShare } from './client-share.ts';
import { type EntryFacts, type HistoryEntry, type HistoryType, KeptEntry } from './entry.ts';
import { EntryList } from './entry-list.ts';
import type { HistoryHost } from './host.ts';

/** One client has at most this part of all. */
const SHARES = 16;

/** What happens again within this time is one entry, which takes no longer than the other. */
const GAP_MS = 60_000;
const SPAN_MS = 600_000;

/** Texts for people are cut there. */
const DETAIL_LENGTH_MAX = 500;

/** What CONNECTs that were refused count for: anybody can name any client. */
const REFUSED_CONNECTS = '\0';

/**
 * What happened to clients lately, in memory: who connected, had subscribed to what until when, was denied what, and lost
 * messages why. Nothing is noted of messages that are delivered. It begins with the process.
 *
 * Invariants: `bytes` is what its shares count, and no more than `history.size`; a share has an entry at least.
 */
export class History {
  /** When it began, in milliseconds since 1970. */
  readonly startedAt: number;
  /** What it counts. */
  bytes: number;
  /** Entries that were given up for newer ones, or as they were old. */
  forgotten: number;
  /** Until when entries have gone, whoever's they were; 0 when none has. */
  forgottenUntil: number;
  readonly #host: HistoryHost;
  readonly #entries: EntryList;
  readonly #shares: Map<string, ClientShare>;
  /** The wall clock in this turn; 0 while it hasn't been looked at. */
  #now: number;
  /** What was noted last of what may happen often, in this turn: mostly the next is the same. */
  #lastRepeated: KeptEntry | null;
  readonly #onTurnEnd: () => void;

  constructor(host: HistoryHost) {
    this.#host = host;
    this.startedAt = host.runtime.wallNow();
    this.bytes = 0;
    this.forgotten = 0;
    this.forgottenUntil = 0;
    this.#entries = new EntryList();
    this.#shares = new Map();
    this.#now = 0;
    this.#lastRepeated = null;
    this.#onTurnEnd = () => {
      this.#now = 0;
      this.#lastRepeated = null;
    };
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Something happened to a client. */
  note(type: HistoryType, clientId: string, facts: EntryFacts): void {
    this.#add(clientId, new KeptEntry(type, clientId, this.#turnTime(), facts, null));
  }

  /** The same of what may happen often: what is the same, of the same topic, is one entry. */
  noteRepeated(
    type: 'deny' | 'refuse' | 'drop',
    clientId: string,
    topic: string | null,
    cause: string,
    detail = '',
    waiting = 0,
    reasonCode = -1,
  ): void {
    const last = this.#lastRepeated;
    if (last?.clientId === clientId && last.topic === topic && isSameCause(last, type, cause)) {
      if (last.detail === detail && !last.isGone) {
        last.count++;
        return;
      }
    }
    this.#lastRepeated = this.#findRepeated(
      type,
      clientId,
      topic,
      cause,
      detail,
      waiting,
      reasonCode,
    );
  }

  /** @returns the entry of it, which is now of this turn */
  #findRepeated(
    type: HistoryType,
    clientId: string,
    topic: string | null,
    cause: string,
    detail: string,
    waiting: number,
    reasonCode: number,
  ): KeptEntry {
    const now = this.#turnTime();
    const key = type === 'drop' ? cause : `${type} ${cause}`;
    const former = this.#shares.get(clientId)?.repeated(key, topic);
    if (former !== undefined && isContinued(former, now) && isSame(former, detail)) {
      former.count++;
      former.lastAt = now;
      return former;
    }
    const facts = { topic, cause, detail: shortened(detail), waiting, reasonCode };
    const entry = new KeptEntry(type, clientId, now, facts, key);
    this.#add(clientId, entry);
    return entry;
  }

  /** A CONNECT was refused. */
  noteRefusedConnect(clientId: string, address: string, why: string, reasonCode: number): void {
    const now = this.#turnTime();
    const key = `connect ${clientId}`;
    const detail = shortened(why);
    const former = this.#shares.get(REFUSED_CONNECTS)?.repeated(key, null);
    if (former !== undefined && isContinued(former, now) && former.detail === detail) {
      former.count++;
      former.lastAt = now;
      return;
    }
    const facts = { cause: 'connect', detail, address, reasonCode };
    this.#add(REFUSED_CONNECTS, new KeptEntry('refuse', clientId, now, facts, key));
  }

  /** What there is, newest first. */
  *newestFirst(): Generator<HistoryEntry> {
    this.#forgetOld(this.#host.runtime.wallNow());
    yield* this.#entries.newestFirst();
  }

  /** What there is of a client, newest first: in the order of when it happened first. */
  of(clientId: string): HistoryEntry[] {
    this.#forgetOld(this.#host.runtime.wallNow());
    const entries: HistoryEntry[] = [];
    for (const entry of this.#shares.get(REFUSED_CONNECTS)?.entries.newestFirst() ?? []) {
      if (entry.clientId === clientId) entries.push(entry);
    }
    const own = [...(this.#shares.get(clientId)?.entries.newestFirst() ?? [])];
    if (entries.length === 0) return own;
    return [...own, ...entries].sort((one, other) => other.at - one.at);
  }

  /** From when on all of a client is there, in milliseconds since 1970. */
  completeSince(clientId: string): number {
    // A share that is gone may have been this client's.
    const share = this.#shares.get(clientId);
    return Math.max(this.startedAt, share?.forgottenUntil ?? 0, this.forgottenUntil);
  }

  /** @throws {Error} when something isn't as it has to be between two turns; for tests */
  checkInvariants(): void {
    let bytes = 0;
    let length = 0;
    for (const share of this.#shares.values()) {
      bytes += share.bytes;
      length += share.entries.length;
      invariant(share.entries.length > 0, `${share.name} has a share without entries`);
    }
    invariant(bytes === this.bytes, `${this.bytes} bytes of history counted of ${bytes}`);
    invariant(length === this.length, `${this.length} entries counted of ${length}`);
  }

  /** The same for all of a turn: there may be as much to note in it as is published, and a look at the clock takes most of the time. */
  #turnTime(): number {
    if (this.#now === 0) {
      const { runtime } = this.#host;
      this.#now = runtime.wallNow();
      runtime.defer(this.#onTurnEnd);
    }
    return this.#now;
  }

  #add(name: string, entry: KeptEntry): void {
    const { size } = this.#host.config.history;
    let share = this.#shares.get(name);
    if (share === undefined) {
      share = new ClientShare(name);
      this.#shares.set(name, share);
      this.bytes += share.bytes;
    }
    share.add(entry);
    this.#entries.push(entry);
    this.bytes += entry.bytes;
    while (share.bytes > size / SHARES && share.entries.length > 0) {
      this.#forget(share.entries.peek() as KeptEntry, share);
    }
    while (this.bytes > size) this.#forgetOldest();
    this.#forgetOld(entry.at);
  }

  #forgetOld(now: number): void {
    const { keep } = this.#host.config.history;
    for (;;) {
      const oldest = this.#entries.peek();
      if (oldest === undefined || oldest.lastAt > now - keep) return;
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    const oldest = this.#entries.peek() as KeptEntry;
    this.forgottenUntil = Math.max(this.forgottenUntil, oldest.lastAt);
    const name = oldest.type === 'refuse' && oldest.cause === 'connect' ? REFUSED_CONNECTS : null;
    this.#forget(oldest, this.#shares.get(name ?? oldest.clientId) as ClientShare);
  }

  #forget(entry: KeptEntry, share: ClientShare): void {
    share.remove(entry);
    this.#entries.onGone();
    this.bytes -= entry.bytes;
    this.forgotten++;
    if (share.entries.length > 0) return;
    this.forgottenUntil = Math.max(this.forgottenUntil, share.forgottenUntil);
    this.#shares.delete(share.name);
    this.bytes -= share.bytes;
  }
}

function isContinued({ at, lastAt }: KeptEntry, now: number): boolean {
  return now - lastAt <= GAP_MS && now - at <= SPAN_MS;
}

function isSameCause(former: KeptEntry, type: HistoryType, cause: string): boolean {
  return former.type === type && former.cause === cause;
}

function isSame(former: KeptEntry, detail: string): boolean {
  return former.detail === detail || former.detail === shortened(detail);
}

function shortened(text: string): string {
  return text.length > DETAIL_LENGTH_MAX ? `${text.slice(0, DETAIL_LENGTH_MAX)}…` : text;
}
