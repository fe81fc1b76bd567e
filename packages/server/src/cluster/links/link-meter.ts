import type { Lane, Link, LinkEnd, LinkSet } from '@promptmq/cluster';
import type { LinkBytes } from '../../observability/links/link-metrics.ts';

const LANES: readonly { readonly lane: Lane; readonly name: LinkBytes['lane'] }[] = [
  { lane: 1, name: 'relay' },
  { lane: 2, name: 'messages' },
];

/** Bytes of links to one node, by lane. */
interface Totals {
  readonly sent: [number, number];
  readonly received: [number, number];
}

/**
 * Adds up what goes over the links of a process, by the node at the other end. The links count by themselves: they are asked when somebody wants to know,
 * and when they are over.
 */
export class LinkMeter {
  readonly #links: LinkSet;
  readonly #nodeOf: (peer: LinkEnd) => string;
  /** Of links that are over. */
  readonly #past = new Map<string, Totals>();

  /** @param nodeOf - the node that the process at the other end is of */
  constructor(links: LinkSet, nodeOf: (peer: LinkEnd) => string) {
    this.#links = links;
    this.#nodeOf = nodeOf;
    links.follow({ onDown: (link) => this.#addTo(this.#past, link) });
  }

  get bytes(): readonly LinkBytes[] {
    const all = new Map<string, Totals>();
    for (const [node, { sent, received }] of this.#past) {
      all.set(node, { sent: [...sent], received: [...received] });
    }
    for (const link of this.#links.all) this.#addTo(all, link);
    return [...all].flatMap(([node, { sent, received }]) =>
      LANES.flatMap(({ lane, name }): LinkBytes[] => [
        { node, lane: name, direction: 'sent', bytes: sent[lane - 1] as number },
        { node, lane: name, direction: 'received', bytes: received[lane - 1] as number },
      ]),
    );
  }

  /** By node, in seconds: the longest that the other end of a link took to answer. */
  get roundTrips(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const { peer, figures } of this.#links.all) {
      const node = this.#nodeOf(peer);
      found.set(node, Math.max(found.get(node) ?? 0, figures.roundTripMs / 1000));
    }
    return found;
  }

  #addTo(all: Map<string, Totals>, { peer, figures }: Link): void {
    const node = this.#nodeOf(peer);
    const totals = all.get(node) ?? { sent: [0, 0], received: [0, 0] };
    all.set(node, totals);
    for (const index of [0, 1] as const) {
      totals.sent[index] += figures.sentBytes[index];
      totals.received[index] += figures.receivedBytes[index];
    }
  }
}
