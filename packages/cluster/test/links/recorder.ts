import type { Lane, Link, LinkEnd } from '../../src/links/link.ts';
import { LinkSet } from '../../src/links/link-set.ts';

/** What a user of links hears, and waits for. */
export class Recorder {
  readonly links: LinkSet;
  readonly end: LinkEnd;
  readonly heard: string[] = [];
  readonly errors: unknown[] = [];
  readonly drained: Lane[] = [];
  #waiting: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  constructor(node: string, types: readonly number[] = [17, 49]) {
    this.end = { node, incarnation: `${node}-1`, cells: [{ cell: 0, epoch: 1 }] };
    this.links = new LinkSet((error) => this.errors.push(error));
    this.links.follow({
      onUp: (link) => this.#hear(`up ${link.peer.node}`),
      onDown: (link, why) => this.#hear(`down ${link.peer.node}: ${why}`),
      onDrained: (_, lane) => {
        this.drained.push(lane);
        this.#look();
      },
    });
    this.links.handle(types, (link, body, type) =>
      this.#hear(`${link.peer.node} ${type} ${Buffer.from(body)}`),
    );
  }

  link(node: string): Link {
    const link = this.links.of(node);
    if (link === null) throw new Error(`there is no link to ${node}`);
    return link;
  }

  /** Resolves when something is so, which is looked at whenever something was heard. */
  until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  untilHeard(what: string): Promise<void> {
    return this.until(() => this.heard.includes(what));
  }

  #hear(what: string): void {
    this.heard.push(what);
    this.#look();
  }

  #look(): void {
    const done = this.#waiting.filter(({ isDone }) => isDone());
    this.#waiting = this.#waiting.filter((one) => !done.includes(one));
    for (const { resolve } of done) resolve();
  }
}
