import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { noopLogger } from '../../src/log/index.ts';
import { otherProgram } from '../support/other-programs.ts';

const { missing } = otherProgram('mosquitto_sub');
if (missing === null) describe('mosquitto_pub and mosquitto_sub', testCommands);
else test.skip(`mosquitto_pub and mosquitto_sub: ${missing}`, () => {});

function testCommands(): void {
  let broker: RunningBroker;
  let port: string;
  const events = new EventEmitter();

  beforeAll(async () => {
    const logger = { ...noopLogger, debug: (event: string) => events.emit(event) };
    broker = await createBroker({}, { logger });
    port = new URL(`${broker.url}`).port;
  });

  afterAll(() => broker.stop());

  /** Starts mosquitto_sub and waits for its subscription. */
  async function subscribe(...args: string[]): Promise<Subscriber> {
    const subscribed = once(events, 'client-subscribed');
    const subscriber = new Subscriber(
      spawn('mosquitto_sub', ['-h', '127.0.0.1', '-p', port, ...args]),
    );
    await subscribed;
    return subscriber;
  }

  async function publish(...args: string[]): Promise<void> {
    const child = spawn('mosquitto_pub', ['-h', '127.0.0.1', '-p', port, ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  }

  describe.each(['mqttv31', 'mqttv311', 'mqttv5'])('with %s', (version) => {
    test.each(['0', '1', '2'])('QoS %s', async (qos) => {
      const topic = `${version}/${qos}`;
      const subscriber = await subscribe('-V', version, '-t', topic, '-q', qos, '-C', '1');
      await publish('-V', version, '-t', topic, '-q', qos, '-m', 'hello');
      expect(await subscriber.exit()).toContain('hello');
    });

    test('retained messages and wildcards', async () => {
      await publish('-V', version, '-t', `${version}/r/a`, '-q', '1', '-r', '-m', 'kept');
      const subscriber = await subscribe('-V', version, '-t', `${version}/r/+`, '-C', '1');
      expect(await subscriber.exit()).toContain('kept');
    });

    test('a will', async () => {
      const topic = `${version}/will`;
      const observer = await subscribe('-V', version, '-t', topic, '-C', '1');
      const dying = await subscribe(
        ...['-V', version, '-t', 'other', '--will-topic', topic, '--will-payload', 'gone'],
      );
      dying.kill();
      expect(await observer.exit()).toContain('gone');
    });
  });

  test('a session is resumed with the messages that came meanwhile', async () => {
    const args = ['-i', 'resumed', '-c', '-q', '1', '-t', 'resumed'];
    const first = await subscribe(...args);
    first.kill();
    await first.exit();
    await publish('-t', 'resumed', '-q', '1', '-m', 'meanwhile');
    const second = await subscribe(...args, '-C', '1');
    expect(await second.exit()).toContain('meanwhile');
  });

  test('a shared subscription', async () => {
    const subscriber = await subscribe('-V', 'mqttv5', '-t', '$share/g/shared/#', '-C', '2');
    await publish('-t', 'shared/a', '-m', 'one');
    await publish('-t', 'shared/b', '-m', 'two');
    const output = await subscriber.exit();
    expect(output).toContain('one');
    expect(output).toContain('two');
  });
}

/** A running mosquitto_sub and what it printed. */
class Subscriber {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'close');
    child.stdout?.on('data', (chunk) => {
      this.#output += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      this.#output += chunk;
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async exit(): Promise<string> {
    await this.#exited;
    return this.#output;
  }
}
