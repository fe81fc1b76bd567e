import {
  decodeKeeper,
  encodeKeeper,
  FrameType,
  type Lane,
  type Link,
  type LinkSet,
  type LinkUser,
  laneOf,
  readRetainedSet,
  retainedSetParts,
} from '@promptmq/cluster';
import type { Message } from '@promptmq/session';
import { isReserved } from '../../routing/reserved-topics.ts';
import type { PeersHost } from './host.ts';

const LANE = laneOf(FrameType.retainedSet);

/** Nodes of the tree of retained messages that are visited before it is looked whether a link takes more. */
const NODES_PER_STEP = 500;
/** First levels of topics that begin with `$`, which no wildcard matches. */
const DOLLAR_LEVELS_MAX = 1000;

const NOTHING = new Uint8Array(0);

/** What is left to be said to a process that has just been linked. */
interface Whole {
  readonly link: Link;
  /** Topics, some at a time. */
  readonly topics: Generator<readonly string[]>;
  /** Who waits until all has been said. */
  readonly onSaid: (() => void)[];
}

/**
 * Retained messages over cells. Those of a topic are kept by one cell, that of the topic's slot: it writes them, decides on their order, and
 * says to all others what holds once its record is committed. The others have copies in memory, by which they answer SUBSCRIBE; and one
 * that has been said anew by all that its keeper has.
 *
 * Invariant: what a keeper has said last of a topic is the copy, unless a client of this cell has published since.
 */
export class RetainedSync implements LinkUser {
  readonly #host: PeersHost;
  readonly #cell: number;
  readonly #keeperOf: (topic: string) => number;
  readonly #links: LinkSet;
  readonly #wholes: Map<Link, Whole>;
  /** What a keeper has said since its RESET, by cell. */
  readonly #said: Map<number, Set<string>>;
  /** Of the last record with which a message was retained or removed here; -1 when there is none. */
  #lastPosition: number;

  /** @param keeperOf - the cell that keeps the retained messages of a topic */
  constructor(host: PeersHost, cell: number, links: LinkSet, keeperOf: (topic: string) => number) {
    this.#host = host;
    this.#cell = cell;
    this.#keeperOf = keeperOf;
    this.#links = links;
    this.#wholes = new Map();
    this.#said = new Map();
    this.#lastPosition = -1;
    links.handle([FrameType.retainedReset], (_link, body) => {
      this.#said.set(decodeKeeper(body), new Set());
    });
    links.handle([FrameType.retainedSet], (_link, body) => this.#onSet(body));
    links.handle([FrameType.retainedSync], (_link, body) => this.#onSync(decodeKeeper(body)));
    links.handle([FrameType.retainedClear], (_link, body) => {
      host.router.clearRetainedOf(Buffer.from(body).toString());
    });
    links.handle([FrameType.retainedAsk], (link, body) => {
      sendSet(link, this.#holding(Buffer.from(body).toString()), this.#host.runtime.now());
    });
    links.follow(this);
  }

  /**
   * A message of a topic that this cell keeps has been retained, or removed.
   *
   * @param position - of its record, after whose commit the others are told; -1: none
   */
  onRetained(message: Message, position: number): void {
    this.#lastPosition = position;
    this.#host.journal.whenCommitted({
      position,
      onCommitted: () => this.#tell(message),
      onRefused: () => {
        this.#lastPosition = -1;
        // Who has published it takes it for retained.
        this.tellAgain(message.topic);
      },
    });
  }

  /** Says to all others what the message of a topic is that this cell keeps. */
  tellAgain(topic: string): void {
    this.#tell(this.#holding(topic));
  }

  /** What this cell keeps of a topic; the removal when that is nothing. */
  #holding(topic: string): Message {
    return this.#host.router.retained.get(topic) ?? removalOf(topic);
  }

  /** What a client of this cell has published is here as a copy, and its record may still be refused: then its keeper never gets it. */
  onCopied(topic: string, position: number): void {
    this.#host.journal.whenCommitted({
      position,
      onCommitted: () => {},
      onRefused: () => this.#askKeeper(FrameType.retainedAsk, topic),
    });
  }

  /** Asks the cell that keeps it to remove the message of a topic; nothing where it can't be reached. */
  clear(topic: string): void {
    this.#askKeeper(FrameType.retainedClear, topic);
  }

  /** Where it can't be reached, it says all that it has with the next link. */
  #askKeeper(type: number, topic: string): void {
    const keeper = this.#keeperOf(topic);
    for (const link of this.#links.all) {
      if (!link.peer.cells.some(({ cell }) => cell === keeper)) continue;
      link.send(type, Buffer.from(topic));
    }
  }

  /** Calls back when all that this cell keeps by now has been said to another process; before this returns where it has. */
  whenSaid(link: Link, onSaid: () => void): void {
    const whole = this.#wholes.get(link);
    if (whole !== undefined) {
      whole.onSaid.push(onSaid);
      return;
    }
    // What isn't committed yet is said then.
    const position = this.#lastPosition;
    this.#host.journal.whenCommitted({ position, onCommitted: onSaid, onRefused: onSaid });
  }

  onUp(link: Link): void {
    link.send(FrameType.retainedReset, encodeKeeper(this.#cell));
    this.#wholes.set(link, { link, topics: this.#ownTopics(), onSaid: [] });
    this.#continue(link);
  }

  onDrained(link: Link, lane: Lane): void {
    if (lane === LANE) this.#continue(link);
  }

  onDown(link: Link): void {
    this.#wholes.get(link)?.topics.return(undefined);
    this.#wholes.delete(link);
  }

  #tell(message: Message): void {
    const now = this.#host.runtime.now();
    for (const link of this.#links.all) sendSet(link, message, now);
  }

  /** Sends of all that this cell keeps as much as the link takes; what changes meanwhile is sent beside it. */
  #continue(link: Link): void {
    const whole = this.#wholes.get(link);
    if (whole === undefined) return;
    const { retained } = this.#host.router;
    while (!link.isBusy(LANE)) {
      const next = whole.topics.next();
      if (next.done === true) {
        this.#wholes.delete(link);
        link.send(FrameType.retainedSync, encodeKeeper(this.#cell));
        for (const callback of whole.onSaid) callback();
        return;
      }
      const now = this.#host.runtime.now();
      for (const topic of next.value) {
        // As it is now: what a walk has found may be older than what was said meanwhile.
        const message = retained.get(topic);
        if (message === undefined || message.expiresAt <= now) continue;
        sendSet(link, message, now);
      }
    }
  }

  /** The topics of which this cell keeps a message, without those of the broker's own. */
  *#ownTopics(): Generator<readonly string[]> {
    const { retained } = this.#host.router;
    const hidden = retained
      .below(null, Number.POSITIVE_INFINITY, DOLLAR_LEVELS_MAX)
      .filter(({ level }) => level.startsWith('$'))
      .map(({ level }) => `${level}/#`);
    for (const filter of ['#', ...hidden]) {
      const walk = retained.walk(filter);
      try {
        while (!walk.isDone) {
          const found: Message[] = [];
          retained.step(walk, NODES_PER_STEP, found, this.#host.runtime.now());
          yield found.filter((message) => this.#isKeptHere(message)).map(({ topic }) => topic);
        }
      } finally {
        retained.end(walk);
      }
    }
  }

  #isKeptHere({ topic, topicBytes }: Message): boolean {
    return this.#keeperOf(topic) === this.#cell && !isReserved(topicBytes);
  }

  // ----------------------------------------------------------------- of other keepers

  #onSet(body: Uint8Array): void {
    const { expiresInMs, message } = readRetainedSet(body);
    const keeper = this.#keeperOf(message.topic);
    // Only its keeper says what a topic has.
    if (keeper === this.#cell) return;
    this.#said.get(keeper)?.add(message.topic);
    const expiresAt = this.#host.runtime.now() + expiresInMs;
    this.#host.router.putRetained({ ...message, ...copiesOf(message), expiresAt });
  }

  /** What was not said is no more. */
  #onSync(keeper: number): void {
    const said = this.#said.get(keeper);
    this.#said.delete(keeper);
    if (said === undefined) return;
    const { retained } = this.#host.router;
    const now = this.#host.runtime.now();
    const hidden = retained
      .below(null, Number.POSITIVE_INFINITY, DOLLAR_LEVELS_MAX)
      .filter(({ level }) => level.startsWith('$'));
    for (const filter of ['#', ...hidden.map(({ level }) => `${level}/#`)]) {
      for (const { topic, topicBytes } of retained.match(filter, now)) {
        if (this.#keeperOf(topic) !== keeper || said.has(topic) || isReserved(topicBytes)) continue;
        this.#host.router.putRetained(removalOf(topic));
      }
    }
  }
}

function sendSet(link: Link, message: Message, now: number): void {
  const expiresInMs = Math.max(0, message.expiresAt - now);
  const [head, properties, payload] = retainedSetParts(message, expiresInMs);
  link.send(FrameType.retainedSet, head, properties, payload);
}

/** Bytes of its own for what would keep the chunk that it came in. */
function copiesOf({
  topicBytes,
  properties,
  payload,
}: Message): Pick<Message, 'topicBytes' | 'properties' | 'payload'> {
  return {
    topicBytes: Uint8Array.from(topicBytes),
    properties: properties.length === 0 ? NOTHING : Uint8Array.from(properties),
    payload: Uint8Array.from(payload),
  };
}

function removalOf(topic: string): Message {
  return {
    topic,
    topicBytes: Buffer.from(topic),
    properties: NOTHING,
    payload: NOTHING,
    qos: 0,
    retain: true,
    expiresAt: Number.POSITIVE_INFINITY,
    publisherId: '',
  };
}
