import type { PacketError } from '@promptmq/codec';
import type { Faults, Faulty } from '../runtime/faults.ts';
import type { TransportHandler } from './transport.ts';

/** What a transport reports, on its way to a connection through the net. */
export class ContainedHandler implements TransportHandler {
  readonly #connection: Faulty & TransportHandler;
  readonly #faults: Faults;

  constructor(connection: Faulty & TransportHandler, faults: Faults) {
    this.#connection = connection;
    this.#faults = faults;
  }

  onData(chunk: Uint8Array): void {
    try {
      this.#connection.onData(chunk);
    } catch (error) {
      this.#faults.caught(this.#connection, 'receiving', error);
    }
  }

  onWritten(chunk: Uint8Array): void {
    try {
      this.#connection.onWritten(chunk);
    } catch (error) {
      this.#faults.caught(this.#connection, 'sending', error);
    }
  }

  get isConnected(): boolean {
    return this.#connection.isConnected;
  }

  refuse(error: PacketError): void {
    this.#faults.caught(this.#connection, 'receiving', error);
  }

  onEnd(): void {
    try {
      this.#connection.onEnd();
    } catch (error) {
      this.#faults.caught(this.#connection, 'closing', error);
    }
  }

  onClose(error: Error | null): void {
    try {
      this.#connection.onClose(error);
    } catch (thrown) {
      this.#faults.caught(this.#connection, 'closing', thrown);
    }
  }
}
