/**
 * Streams of bytes over a link: one for each connection of a client that another process has accepted.
 *
 * ```
 *  OPEN    u32 channel, what the user says of it
 *  DATA    u32 channel, bytes
 *  END     u32 channel: no DATA follows from this side
 *  CLOSE   u32 channel: it is over, at once; what is under way is thrown away
 *  WINDOW  u32 channel, u32 bytes that have been taken: so many more may be sent
 *  REFUSE  u32 channel, what the user says: the peer of the stream has broken a rule
 * ```
 *
 * Each side numbers those that it opens: the one whose name comes first has the even numbers, the other the odd ones. Each direction has a window
 * of 256 KB: a reader that is slow holds up its own stream, and no other.
 */
import { FrameType } from './frames.ts';
import type { Link } from './link.ts';
import type { LinkSet } from './link-set.ts';

/** Bytes that may be sent, and not have been taken by the other side. */
export const CHANNEL_WINDOW = 262_144;

const NUMBER_SIZE = 4;
const NUMBER_END = 0x1_0000_0000;

/** What a channel reports to who has it. Nothing is reported after `onClose`. */
export interface ChannelUser {
  /** Bytes have come, which are the user's. They count until `Channel.taken` says that they are done with. */
  onData(bytes: Uint8Array): void;
  /** What `write` was given has left; in the order of the calls, and never before `write` returns. */
  onWritten(bytes: Uint8Array): void;
  /** The other side sends no more. */
  onEnd(): void;
  /** The peer of the stream has broken a rule, in the words of the other user. */
  onRefuse(why: Uint8Array): void;
  /** It is over: closed by the other side, or with its link. */
  onClose(): void;
}

export interface ChannelsOptions {
  /** The name of this process. */
  readonly node: string;
  /** Calls back after what is ready now has been processed. */
  readonly defer: (callback: () => void) => void;
  /**
   * The other side opens a channel.
   *
   * @param facts - what it says of it
   * @returns who has it on this side; null closes it
   */
  readonly onOpen: (channel: Channel, facts: Uint8Array) => ChannelUser | null;
}

/** One end of a stream over a link. */
export class Channel {
  readonly link: Link;
  readonly #owner: Channels;
  readonly #number: number;
  readonly #numberBytes: Uint8Array;
  #user: ChannelUser | null = null;
  #isOpen = true;
  /** What the other side takes. */
  #credit = CHANNEL_WINDOW;
  /** What waits for credit, or for the link to be less busy; the first of it from `#offset` on. */
  #waiting: Uint8Array[] = [];
  #offset = 0;
  #isEnding = false;
  #hasEnded = false;
  #isFinishing = false;
  /** Bytes that came and have not been taken, and of those that were, what the other side has not heard of. */
  #untaken = 0;
  #unsaid = 0;

  /** Made by `Channels`. */
  constructor(owner: Channels, link: Link, number: number) {
    this.#owner = owner;
    this.link = link;
    this.#number = number;
    this.#numberBytes = new Uint8Array(NUMBER_SIZE);
    new DataView(this.#numberBytes.buffer).setUint32(0, number, true);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether what was written waits: who has more had better wait, too, until `onWritten`. */
  get isFull(): boolean {
    return this.#waiting.length > 0;
  }

  /** Sends bytes, in order; they belong to the channel until `onWritten`. When it is closed, or has ended, nothing happens. */
  write(bytes: Uint8Array): void {
    if (!this.#isOpen || this.#isEnding) return;
    this.#waiting.push(bytes);
    if (this.#waiting.length === 1) this.sendWaiting();
  }

  /** Sends no more after what was written. */
  end(): void {
    if (!this.#isOpen || this.#isEnding) return;
    this.#isEnding = true;
    this.#endNow();
  }

  /** Says that the peer of the stream has broken a rule: what becomes of it is decided by the other side. */
  refuse(why: Uint8Array): void {
    if (this.#isOpen) this.#send(FrameType.refuse, why);
  }

  /** Closes both directions at once; its user hears nothing more. */
  close(): void {
    if (!this.#isOpen) return;
    this.#send(FrameType.close);
    this.#forget();
  }

  /** Closes it when what was written has left; its user hears nothing more. */
  finish(): void {
    if (!this.#isOpen) return;
    this.#isFinishing = true;
    this.#user = null;
    if (this.#waiting.length === 0) this.close();
  }

  /** Bytes that `onData` brought are done with: so many more may come. */
  taken(size: number): void {
    if (!this.#isOpen) return;
    this.#untaken -= size;
    this.#unsaid += size;
    if (this.#unsaid < CHANNEL_WINDOW / 2) return;
    const bytes = new Uint8Array(NUMBER_SIZE);
    new DataView(bytes.buffer).setUint32(0, this.#unsaid, true);
    this.#unsaid = 0;
    this.#send(FrameType.window, bytes);
  }

  // ------------------------------------------------------- called by `Channels`

  /** Who has it from now on. */
  use(user: ChannelUser): void {
    this.#user = user;
  }

  sendWaiting(): void {
    while (this.#waiting.length > 0 && this.#credit > 0 && !this.link.isBusy(1)) {
      const [first] = this.#waiting as [Uint8Array];
      const end = Math.min(first.length, this.#offset + this.#credit);
      const part = first.subarray(this.#offset, end);
      this.#credit -= part.length;
      this.#send(FrameType.data, part);
      this.#offset = end;
      if (end < first.length) return;
      this.#waiting.shift();
      this.#offset = 0;
      this.#owner.written(this, first);
    }
    if (this.#waiting.length > 0) return;
    if (this.#isFinishing) this.close();
    else this.#endNow();
  }

  reportWritten(bytes: Uint8Array): void {
    if (this.#isOpen) this.#user?.onWritten(bytes);
  }

  /** @throws {Error} when the other side doesn't keep to its window: the link ends then */
  receive(type: number, body: Uint8Array): void {
    switch (type) {
      case FrameType.data:
        this.#untaken += body.length;
        if (this.#untaken > CHANNEL_WINDOW) throw new Error('more than the window of a channel');
        this.#user?.onData(body);
        return;
      case FrameType.window:
        this.#credit += readUint32(body, 0);
        if (this.#credit > CHANNEL_WINDOW) throw new Error('a channel has taken more than it got');
        this.sendWaiting();
        return;
      case FrameType.end:
        this.#user?.onEnd();
        return;
      case FrameType.refuse:
        this.#user?.onRefuse(body);
        return;
      default:
        this.over();
    }
  }

  /** It is over, without a word to the other side. */
  over(): void {
    if (!this.#isOpen) return;
    const user = this.#user;
    this.#forget();
    user?.onClose();
  }

  #endNow(): void {
    if (!this.#isEnding || this.#hasEnded || this.#waiting.length > 0) return;
    this.#hasEnded = true;
    this.#send(FrameType.end);
  }

  #send(type: number, body?: Uint8Array): void {
    if (body === undefined) this.link.send(type, this.#numberBytes);
    else this.link.send(type, this.#numberBytes, body);
  }

  #forget(): void {
    this.#isOpen = false;
    this.#user = null;
    this.#waiting = [];
    this.#owner.forget(this.link, this.#number);
  }
}

/** The channels of a process, over all its links. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #byLink = new Map<Link, Map<number, Channel>>();
  /** The number of the next channel that this side opens, by link. */
  readonly #next = new Map<Link, number>();
  /** What has left in this turn. */
  #written: { readonly channel: Channel; readonly bytes: Uint8Array }[] = [];

  /** Takes the frames of channels of all links. */
  constructor(links: LinkSet, options: ChannelsOptions) {
    this.#options = options;
    const { open, data, end, close, window, refuse } = FrameType;
    links.handle([open, data, end, close, window, refuse], (link, body, type) =>
      this.#receive(link, body, type),
    );
    links.follow({
      onDrained: (link, lane) => {
        if (lane !== 1) return;
        for (const channel of this.#of(link).values()) {
          if (link.isBusy(1)) return;
          if (channel.isFull) channel.sendWaiting();
        }
      },
      onDown: (link) => {
        for (const channel of [...this.#of(link).values()]) channel.over();
        this.#byLink.delete(link);
        this.#next.delete(link);
      },
    });
  }

  /** Channels that are open. */
  get count(): number {
    let count = 0;
    for (const channels of this.#byLink.values()) count += channels.size;
    return count;
  }

  /**
   * Opens a channel.
   *
   * @param facts - what the other side gets to know of it, at most some KB
   * @param use - gives what the channel reports to, before anything is reported
   * @returns null when the link is down
   */
  open(link: Link, facts: Uint8Array, use: (channel: Channel) => ChannelUser): Channel | null {
    if (!link.isUp) return null;
    const channel = new Channel(this, link, this.#numberOf(link));
    const number = this.#next.get(link) as number;
    this.#of(link).set(number, channel);
    channel.use(use(channel));
    const bytes = new Uint8Array(NUMBER_SIZE);
    new DataView(bytes.buffer).setUint32(0, number, true);
    link.send(FrameType.open, bytes, facts);
    return channel;
  }

  /** Bytes of a channel have left: its user hears of that when what runs now is done. */
  written(channel: Channel, bytes: Uint8Array): void {
    this.#written.push({ channel, bytes });
    if (this.#written.length > 1) return;
    this.#options.defer(() => {
      const written = this.#written;
      this.#written = [];
      for (const one of written) one.channel.reportWritten(one.bytes);
    });
  }

  forget(link: Link, number: number): void {
    this.#byLink.get(link)?.delete(number);
  }

  #receive(link: Link, body: Uint8Array, type: number): void {
    const number = readUint32(body, 0);
    const rest = body.subarray(NUMBER_SIZE);
    const channels = this.#of(link);
    if (type !== FrameType.open) {
      // Of one that this side has closed, what was under way still comes.
      channels.get(number)?.receive(type, rest);
      return;
    }
    if (channels.has(number)) throw new Error(`channel ${number} is open already`);
    const channel = new Channel(this, link, number);
    channels.set(number, channel);
    const user = this.#options.onOpen(channel, rest);
    if (user === null) channel.close();
    else channel.use(user);
  }

  #of(link: Link): Map<number, Channel> {
    let channels = this.#byLink.get(link);
    if (channels === undefined) {
      channels = new Map();
      this.#byLink.set(link, channels);
    }
    return channels;
  }

  /** Draws the next number that isn't in use. */
  #numberOf(link: Link): number {
    const first = this.#options.node < link.peer.node ? 0 : 1;
    const channels = this.#of(link);
    let number = this.#next.get(link) ?? first - 2;
    do number = (number + 2) % NUMBER_END;
    while (channels.has(number));
    this.#next.set(link, number);
    return number;
  }
}

/** @throws {Error} when the frame is too short */
function readUint32(bytes: Uint8Array, offset: number): number {
  if (bytes.length < offset + NUMBER_SIZE) throw new Error('a frame of a channel without a number');
  return new DataView(bytes.buffer, bytes.byteOffset + offset, NUMBER_SIZE).getUint32(0, true);
}
