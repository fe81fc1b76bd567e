import { generate } from 'mqtt-packet';
import type { ClientHost, HostedClient } from '../host.ts';
import type { Will } from './connect/will.ts';
import type { Face } from './face.ts';
import type { InnerStream } from './inner-stream.ts';
import type { ClientSubscriptions } from './subscriptions/client-subscriptions.ts';

/** What the end of a connection needs of its client. */
export interface EndingHost {
  readonly face: Face;
  readonly broker: ClientHost;
  readonly isRegistered: boolean;
  readonly will: Will;
  readonly inner: InnerStream;
  readonly subscriptions: ClientSubscriptions;
  /** Sends bytes to the client. */
  send(bytes: Buffer): void;
  /** Nothing is waited for any more. */
  onOver(): void;
  /** The client is in no list any more. */
  onFinished(): void;
}

/** Ends a connection, once: the streams, then the will, then its place in the list of clients. */
export class Ending {
  readonly #host: EndingHost;
  #isOver: boolean;
  #isFinished: boolean;
  /** Called when it is finished. */
  #waiting: (() => void)[];

  constructor(host: EndingHost) {
    this.#host = host;
    this.#isOver = false;
    this.#isFinished = false;
    this.#waiting = [];
  }

  /** Whether it has begun: nothing that comes is looked at any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Ends the connection.
   *
   * @param reasonCode - that a client of MQTT 5 is sent; 0 for none
   * @param then - called when all that belongs to it is done
   */
  begin(reasonCode: number, then: (() => void) | null): void {
    if (then !== null) {
      if (this.#isFinished) setImmediate(then);
      else this.#waiting.push(then);
    }
    if (this.#isOver) return;
    this.#isOver = true;
    const { face, broker, isRegistered, will } = this.#host;
    face.closed = true;
    this.#host.onOver();
    this.#endStreams(reasonCode);
    if (!isRegistered) {
      this.#finish();
      return;
    }
    const { due } = will;
    if (due === null) this.#leave();
    else broker.publishWill(face, due.packet, due.delayMs, () => this.#leave());
  }

  #endStreams(reasonCode: number): void {
    const { face, inner, isRegistered } = this.#host;
    const { conn, version } = face;
    if (reasonCode > 0 && version === 5 && isRegistered) {
      this.#host.send(generate({ cmd: 'disconnect', reasonCode }, { protocolVersion: 5 }));
    }
    // What was written leaves before the stream is closed.
    if (conn.writable && !conn.destroyed) conn.end(() => conn.destroy());
    else conn.destroy();
    conn.resume();
    inner.push(null);
    inner.destroy();
  }

  #leave(): void {
    const { face, broker, subscriptions } = this.#host;
    face.connected = false;
    face.connecting = false;
    broker.unregister(face as HostedClient);
    if (face.clean) subscriptions.drop();
    this.#finish();
  }

  #finish(): void {
    this.#isFinished = true;
    this.#host.face.connecting = false;
    this.#host.subscriptions.abandon();
    this.#host.onFinished();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
  }
}
