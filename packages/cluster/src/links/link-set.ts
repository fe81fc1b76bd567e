import type { FrameHandler, Lane, Link, LinkEnd, LinkUser } from './link.ts';

/**
 * The links of a process that are up, by the name of the process at the other end; and who uses them. Users register before there
 * are links. A user that throws ends the link: the two sides don't agree any more on what the other one knows.
 *
 * Invariant: there is at most one link to each node; its users have heard of it by `onUp`, and of its predecessor by `onDown` before.
 */
export class LinkSet {
  readonly #handlers = new Map<number, FrameHandler>();
  readonly #users: LinkUser[] = [];
  readonly #links = new Map<string, Link>();
  readonly #onError: (error: unknown, link: Link) => void;
  /** Of which it has a part of the links; null when it has all. */
  #whole: LinkSet | null = null;

  /** @param onError - hears what a user has thrown, before its link is closed */
  constructor(onError: (error: unknown, link: Link) => void = () => {}) {
    this.#onError = onError;
  }

  /** Has the frames of some types handled; a type has one handler. */
  handle(types: readonly number[], handler: FrameHandler): void {
    if (this.#whole !== null) {
      this.#whole.handle(types, handler);
      return;
    }
    for (const type of types) {
      if (this.#handlers.has(type))
        throw new Error(`frames of type ${type} have a handler already`);
      this.#handlers.set(type, handler);
    }
  }

  /** Has a user notified of what becomes of links, in the order in which the users registered. */
  follow(user: LinkUser): void {
    this.#users.push(user);
  }

  /**
   * Some of its links as a set of their own: who uses that hears of no others. Frames are handled as those of the whole set.
   *
   * @param isOf - whether a link to such a process is one of them
   */
  part(isOf: (peer: LinkEnd) => boolean): LinkSet {
    const part = new LinkSet(this.#onError);
    part.#whole = this;
    this.follow({
      onUp: (link) => {
        if (isOf(link.peer)) part.add(link);
      },
      onDrained: (link, lane) => {
        if (part.of(link.peer.node) === link) part.drained(link, lane);
      },
      onDown: (link, why) => part.remove(link, why),
    });
    return part;
  }

  /** @returns the link to a node; null while there is none */
  of(node: string): Link | null {
    return this.#links.get(node) ?? null;
  }

  get all(): readonly Link[] {
    return [...this.#links.values()];
  }

  // ----------------------------------------------------- what links report

  /** A link is up. One that there was to the same node is closed. */
  add(link: Link): void {
    this.#links.get(link.peer.node)?.close('there is a newer link');
    this.#links.set(link.peer.node, link);
    this.#each(link, (user) => user.onUp?.(link));
  }

  /** A frame has come. */
  frame(link: Link, type: number, body: Uint8Array): void {
    const handler = this.#handlers.get(type);
    try {
      if (handler === undefined) throw new Error(`nobody handles frames of type ${type}`);
      handler(link, body, type);
    } catch (error) {
      this.#fail(link, error);
    }
  }

  drained(link: Link, lane: Lane): void {
    this.#each(link, (user) => user.onDrained?.(link, lane));
  }

  /** A link is down. */
  remove(link: Link, why: string): void {
    const { node } = link.peer;
    if (this.#links.get(node) !== link) return;
    this.#links.delete(node);
    for (const user of this.#users) {
      try {
        user.onDown?.(link, why);
      } catch (error) {
        this.#onError(error, link);
      }
    }
  }

  #each(link: Link, notify: (user: LinkUser) => void): void {
    for (const user of this.#users) {
      if (!link.isUp) return;
      try {
        notify(user);
      } catch (error) {
        this.#fail(link, error);
      }
    }
  }

  #fail(link: Link, error: unknown): void {
    this.#onError(error, link);
    link.close(`a frame could not be handled: ${(error as Error).message}`);
  }
}
