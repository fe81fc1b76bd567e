import { FrameType, type Link, laneOf, type Publish0Cell, publish0Head } from '@promptmq/cluster';
import type { HeldPublisher } from '../../connection/peer.ts';
import type { Publication } from '../../routing/publication.ts';
import type { PeersHost } from './host.ts';

const LANE = laneOf(FrameType.publish0);

/**
 * Sends messages of QoS 0 to another process. While more waits for it than its link should hold, those who publish are not
 * read from; what they had sent before is sent up to `mqtt.max-output-buffer`, and the rest dropped and counted.
 *
 * Invariant: a publisher is held only while the link is up and busy.
 */
export class TransientLane {
  readonly link: Link;
  readonly #host: PeersHost;
  readonly #held: Set<HeldPublisher>;
  /** Bytes that were sent since it is busy. */
  #busyBytes: number;

  constructor(host: PeersHost, link: Link) {
    this.#host = host;
    this.link = link;
    this.#held = new Set();
    this.#busyBytes = 0;
  }

  /** @param cells - of the process, to which the message goes */
  send(
    publication: Publication,
    cells: readonly Publish0Cell[],
    publisher: HeldPublisher | null,
  ): void {
    const { version } = publication;
    const { buffer, start, end } = publication.image(version);
    if (this.link.isBusy(LANE)) {
      const { config, stats } = this.#host;
      this.#busyBytes += end - start;
      if (publisher === null || this.#busyBytes > config.mqtt.maxOutputBuffer) {
        stats.dropped['cell-behind'] += cells.length;
        return;
      }
      this.#hold(publisher);
    }
    const firstByte = 0x30 | (publication.retain ? 1 : 0);
    const wire = version === 5 ? 5 : 4;
    const head = publish0Head(wire, cells, publication.publisherId, firstByte);
    this.link.send(FrameType.publish0, head, buffer.subarray(start + 1, end));
  }

  /** The link isn't busy any more, or is down. */
  relieve(): void {
    this.#busyBytes = 0;
    for (const publisher of this.#held) publisher.resumeReading();
    this.#held.clear();
  }

  #hold(publisher: HeldPublisher): void {
    if (this.#held.has(publisher)) return;
    this.#held.add(publisher);
    this.#host.stats.publishersHeldBack++;
    publisher.pauseReading();
  }
}
