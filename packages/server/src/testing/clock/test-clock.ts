import { type Clock, nodeClock } from '@promptmq/wal';
import { parseDuration } from '../measures.ts';
import { TestBrokerError } from '../test-broker-error.ts';
import { FakeClock } from './fake-clock.ts';
import type { Quiet } from './quiet.ts';

/** The time of a test broker. */
export interface TestClock {
  /** Whether it stands still until it is advanced. */
  readonly isFake: boolean;
  /** What the broker's wall clock shows. */
  now(): Date;
  /**
   * Has time pass for the broker, from one thing that is due to the next: keep alive, session expiry, message expiry, will
   * delay, and the delays of faults. What comes of each has reached the clients in this process, and is answered, before the
   * next. Clients have a time of their own, which goes on as ever.
   *
   * @param duration - such as `500ms`, `30s` or `2h`; up to 10 years
   * @throws {TestBrokerError} `bad-argument`, also where the clock is real; nothing has happened
   */
  advance(duration: string): Promise<void>;
}

/** The clock of a test broker, for its parts, too. */
export class BrokerTestClock implements TestClock {
  readonly isFake: boolean;
  readonly machine: Clock;
  readonly #fake: FakeClock | null;

  constructor(isFake: boolean, quiet: Quiet) {
    this.isFake = isFake;
    this.#fake = isFake ? new FakeClock(quiet) : null;
    this.machine = this.#fake ?? nodeClock;
  }

  now(): Date {
    return new Date(this.machine.wallNow());
  }

  async advance(duration: string): Promise<void> {
    const ms = parseDuration('clock.advance', duration);
    await this.requireFake('clock.advance').advance(ms);
  }

  /** @throws {TestBrokerError} `bad-argument` when it is real */
  requireFake(where: string): FakeClock {
    if (this.#fake !== null) return this.#fake;
    throw new TestBrokerError(
      'bad-argument',
      `${where}: this broker's clock is real; that of createTestBroker({ clock: 'fake' }) can be advanced`,
    );
  }

  stop(): void {
    this.#fake?.stop();
  }
}
