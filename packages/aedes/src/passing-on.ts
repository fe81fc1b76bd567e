import { InsideSubscriptions } from './inside-subscriptions.ts';
import type { AedesPublishPacket, Client, PublishedHandler, PublishedPacket } from './types.ts';

/** What is needed of the broker to pass messages on to the program. */
export interface PassingOnHost {
  readonly id: string;
  readonly published: PublishedHandler;
  emit(event: 'publish', packet: PublishedPacket, client: Client | null): boolean;
}

/** Passes messages on to the program: its functions that have subscribed, `published` and the event. */
export class PassingOn {
  readonly subscriptions: InsideSubscriptions;
  readonly #host: PassingOnHost;
  readonly #inHandsMax: number;
  #counter: number;
  /** Messages that functions of the program have not called back for. */
  #inHands: number;
  /** Clients that have published and are held up until there are fewer. */
  readonly #waiting: (() => void)[];

  constructor(host: PassingOnHost, concurrency: number) {
    this.subscriptions = new InsideSubscriptions();
    this.#host = host;
    this.#inHandsMax = Math.max(concurrency, 1);
    this.#counter = 0;
    this.#inHands = 0;
    this.#waiting = [];
  }

  whenRoom(callback: () => void): void {
    if (this.#inHands < this.#inHandsMax) callback();
    else this.#waiting.push(callback);
  }

  /** For functions that have subscribed, then `published`, then the event. */
  passOn(
    packet: PublishedPacket,
    client: Client | null,
    done: (error: Error | null) => void,
  ): void {
    this.#counter++;
    this.#inHands++;
    const finish = () => {
      this.#host.published(packet, client, (error) => {
        this.#inHands--;
        done(error ?? null);
        this.#host.emit('publish', packet, client);
        while (this.#inHands < this.#inHandsMax && this.#waiting.length > 0) {
          this.#waiting.shift()?.();
        }
      });
    };
    const functions = this.subscriptions.match(packet.topic);
    if (functions.length === 0) {
      finish();
      return;
    }
    const clientId = packet.clientId ?? client?.id;
    const delivered: AedesPublishPacket = {
      cmd: 'publish',
      brokerId: this.#host.id,
      brokerCounter: this.#counter,
      topic: packet.topic,
      payload: packet.payload ?? Buffer.alloc(0),
      qos: packet.qos ?? 0,
      retain: packet.retain ?? false,
      dup: packet.dup ?? false,
      ...(clientId !== undefined && clientId !== null && { clientId }),
      ...(packet.properties && { properties: packet.properties }),
    };
    let missing = functions.length;
    for (const deliver of functions) {
      deliver(delivered, () => {
        missing--;
        if (missing === 0) finish();
      });
    }
  }
}
