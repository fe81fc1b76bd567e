import type { Duplex } from 'node:stream';
import type { RunningBroker } from '../embed/running-broker.ts';
import type { ClientOrigin } from '../embed/streams/streams.ts';
import type { TestClock } from './clock/test-clock.ts';
import type { TestFaults } from './faults/test-faults.ts';
import type { WaitOptions } from './messages/message-store.ts';
import type { ReceivedMessage } from './messages/received-message.ts';

/** What ends a broker, and what its disk has afterwards. */
export interface RestartOptions {
  /** Its process is killed: nothing is done in order. What it had written is there, synced or not. */
  readonly kill?: boolean;
  /** The power is cut: what had not been synced is lost. */
  readonly powerCut?: boolean;
  /** How long there is no broker, such as `1h`; nothing by default. More than that needs a fake clock. */
  readonly downFor?: string;
}

/** A broker for tests. */
export interface TestBroker extends AsyncDisposable {
  /** For clients, such as `mqtt://127.0.0.1:40123`; the same after `restart`. */
  readonly url: string;
  /** For clients over WebSocket, such as `ws://127.0.0.1:40124`. */
  readonly wsUrl: string;
  /** The broker itself; another one after `restart`. */
  readonly broker: RunningBroker;
  readonly clock: TestClock;
  /** What goes wrong between clients and the broker. */
  readonly faults: TestFaults;
  /**
   * Every packet in both directions as a line of text, in the order in which they came by, for a snapshot: what a client sent
   * has `>`, what the broker sent `<`. Nothing in it depends on ports or times. Of the oldest lines only the number is given where there are more than
   * `keep`.
   */
  readonly log: string;
  /** Connects a client without a socket, as `broker.connect`: for MQTT.js `new MqttClient(() => t.connect(), options)`. */
  connect(options?: ClientOrigin): Duplex;
  /** The messages that the broker has received and that are kept, in order: all, or of a topic filter. */
  received(filter?: string): ReceivedMessage[];
  /**
   * Waits until messages of a topic filter have come, those counted that are kept from before.
   *
   * @returns the first `count` of them
   * @throws {TestBrokerError} `not-received` with what has come instead; `stopped`; `bad-argument`
   */
  waitFor(filter: string, options?: WaitOptions): Promise<ReceivedMessage[]>;
  /** Forgets the messages and the log so far. */
  clear(): void;
  /** Resolves when nothing comes or goes any more between the broker and clients of this process. */
  settle(): Promise<void>;
  /**
   * Ends the broker, and starts another one at the same addresses, with the options as they were given. With `storage` it has
   * what the first one's disk has, else nothing.
   */
  restart(options?: RestartOptions): Promise<void>;
  /** Stops the broker; nothing of it stays open. The same as `await using` does. */
  stop(): Promise<void>;
}
