import { FrameType } from '../links/frames.ts';
import type { Link, LinkUser } from '../links/link.ts';
import type { LinkSet } from '../links/link-set.ts';
import type { Announcer } from './announcer.ts';
import {
  decodeChange,
  decodeReset,
  decodeVersion,
  encodeVersion,
  type InterestVersion,
} from './interest-frames.ts';
import type { InterestTable } from './interest-table.ts';

/** Exchanges with the other processes what the clients of whose cells have subscribed to. */
export class Interest<P> implements LinkUser {
  readonly table: InterestTable<P>;
  readonly #own: ReadonlyMap<number, Announcer>;

  /**
   * @param own - of the cells of this process
   * @param onWhole - called whenever a cell has said all that it has
   */
  constructor(
    links: LinkSet,
    table: InterestTable<P>,
    own: readonly Announcer[],
    onWhole: () => void = () => {},
  ) {
    this.table = table;
    this.#own = new Map(own.map((announcer) => [announcer.cell, announcer]));
    links.handle([FrameType.interestReset], (_, body) => table.onReset(decodeReset(body)));
    links.handle([FrameType.interestChange], (link, body) => {
      acknowledge(link, table.onChange(decodeChange(body)));
    });
    links.handle([FrameType.interestSync], (link, body) => {
      acknowledge(link, table.onSync(decodeVersion(body)));
      onWhole();
    });
    links.handle([FrameType.interestAck], (link, body) => {
      const version = decodeVersion(body);
      this.#own.get(version.cell)?.onAck(link, version);
    });
    links.follow(this);
  }

  onUp(link: Link): void {
    for (const announcer of this.#own.values()) announcer.linkUp(link);
  }

  onDrained(link: Link): void {
    for (const announcer of this.#own.values()) announcer.linkDrained(link);
  }

  onDown(link: Link): void {
    for (const announcer of this.#own.values()) announcer.linkDown(link);
  }
}

function acknowledge(link: Link, version: InterestVersion | null): void {
  if (version !== null) link.send(FrameType.interestAck, encodeVersion(version));
}
