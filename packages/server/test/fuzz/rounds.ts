import type { AuthenticationMethod } from '@promptmq/auth';
import { ReasonCode } from '@promptmq/codec';
import { Random } from '@promptmq/wal/testing';
import type { ConfigInput } from '../../src/config/index.ts';
import { DurableSimulation } from '../support/durable-simulation.ts';
import { Simulation } from '../support/simulation.ts';
import { Callers } from './callers.ts';
import { DirectLink } from './direct-link.ts';

/** Steps between two round trips of a client that does nothing wrong. */
const CANARY_STEPS = 200;
const INVARIANT_STEPS = 500;

/** The processor time is looked at so rarely, as asking for it costs more than a step does. */
const CLOCK_STEPS = 50;

/** So often the disk is waited for, in a round with one, until the last session is really over. */
const HAND_OVER_TRIES = 20;

/** What came of a round. */
export interface RoundResult {
  /** Packets that were sent, changed ones included. */
  readonly packets: number;
  readonly connections: number;
  /** Connections whose CONNECT was accepted. */
  readonly accepted: number;
  readonly received: number;
  readonly delivered: number;
  /** The most that one step cost, client and garbage collection included, in milliseconds: an upper bound. */
  readonly longestMs: number;
}

const challenge: AuthenticationMethod = {
  name: 'challenge',
  begin: () => ({
    next: (data) => {
      const text = Buffer.from(data).toString();
      if (text === 'answer') return { result: 'success', data: Buffer.from('welcome') };
      if (text === 'wrong') return { result: 'refuse', why: 'wrong answer' };
      return { result: 'continue', data: Buffer.from('question') };
    },
  }),
};

/** A configuration with limits that are reached. */
function configOf(random: Random, aclFile: string): ConfigInput {
  const tight = random.chance(0.5);
  return {
    auth: random.chance(0.3) ? { aclFile } : {},
    limits: random.chance(0.2)
      ? {
          client: { messages: '20/s', subscribes: '5/s' },
          address: { bytes: '64KiB/s', messages: '200/s' },
        }
      : {},
    mqtt: {
      responseInformation: random.pick(['', 'r/%c', '%c%c%c'.repeat(20)]),
      maxClientIdLen: 65_535,
      overlappingSubscriptions: random.pick(['merge', 'each']),
      queueOverflow: random.pick(['drop-newest', 'drop-oldest', 'reject']),
      checkPayloadFormat: random.chance(0.5),
      ...(tight
        ? {
            maxInflight: 2,
            maxQueuedMessages: 5,
            maxSubscriptions: 20,
            maxRetained: 5,
            maxTopicAlias: 3,
            receiveMaximum: 3,
            maxUserProperties: 2,
            maxFiltersPerPacket: 150,
            maxQos: random.pick([1, 2] as const),
          }
        : {}),
    },
  };
}

/**
 * Clients talk to a broker of their own, in this process, and without real time. The broker may close their connections, and
 * nothing else: it throws nothing, its invariants hold, what it sends is in order, a client that does nothing wrong is
 * served, and when all have gone nothing is left of them.
 *
 * @param seed - determines all of it
 * @param packetCount - how many packets are sent at least
 * @param aclFile - rules for some of the rounds
 * @throws what went wrong; the message begins with the seed
 */
export async function fuzzRound(
  seed: number,
  packetCount: number,
  aclFile: string,
): Promise<RoundResult> {
  try {
    const random = new Random(seed);
    const config = configOf(random, aclFile);
    const simulation = random.chance(0.15)
      ? await DurableSimulation.start()
      : new Simulation(config, [challenge]);
    return await new Round(random, simulation).run(packetCount);
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
}

class Round {
  readonly #random: Random;
  readonly #simulation: Simulation;
  readonly #callers: Callers;
  #canary: Canary | null = null;
  #longestMs = 0;
  /** Of the process, some steps ago. */
  #processorTime = process.cpuUsage();

  constructor(random: Random, simulation: Simulation) {
    this.#random = random;
    this.#simulation = simulation;
    const { broker } = simulation;
    this.#callers = new Callers(random, (at) => new DirectLink(broker, `192.0.2.${at}:1`));
  }

  async run(packetCount: number): Promise<RoundResult> {
    const { broker, runtime } = this.#simulation;
    const callers = this.#callers;
    for (let step = 1; callers.packetCount < packetCount; step++) {
      if (step % CLOCK_STEPS === 1) this.#processorTime = process.cpuUsage();
      const start = performance.now();
      this.#step();
      this.#noteTime(performance.now() - start);
      if (this.#random.chance(0.05)) await this.#settle();
      if (step % CANARY_STEPS === 0) await this.#askCanary();
      if (step % INVARIANT_STEPS !== 0) continue;
      runtime.endTurn();
      await this.#settle();
      broker.checkInvariants();
    }
    await this.#leave();
    const { connectionsTotal, messagesReceived, messagesSent } = broker.stats;
    return {
      packets: callers.packetCount,
      connections: callers.connectionCount,
      accepted: connectionsTotal,
      received: messagesReceived,
      delivered: messagesSent,
      longestMs: this.#longestMs,
    };
  }

  /** @param elapsedMs - of a step; on a machine that has other things to do, it isn't what the step has cost */
  #noteTime(elapsedMs: number): void {
    if (elapsedMs <= this.#longestMs) return;
    const { user, system } = process.cpuUsage(this.#processorTime);
    this.#longestMs = Math.max(this.#longestMs, Math.min(elapsedMs, (user + system) / 1000));
  }

  /** One client says something, and perhaps the turn ends. */
  #step(): void {
    const random = this.#random;
    const caller = this.#callers.speak();
    if (random.chance(0.6)) this.#simulation.runtime.endTurn();
    this.#callers.listen(caller);
    if (random.chance(0.01)) this.#simulation.advance(random.pick([0.01, 0.5, 2, 30]));
  }

  async #settle(): Promise<void> {
    if (this.#simulation instanceof DurableSimulation) await this.#simulation.settle();
  }

  async #askCanary(): Promise<void> {
    const settle = () => this.#settle();
    if (this.#canary === null || this.#canary.isClosed) {
      this.#canary = new Canary(this.#simulation);
      await this.#canary.begin(settle);
    }
    await this.#canary.ask(settle);
  }

  /** All go, and their sessions end: nothing may be left of them. */
  async #leave(): Promise<void> {
    const simulation = this.#simulation;
    const { broker, runtime } = simulation;
    runtime.endTurn();
    check(broker.turns.waitingCount === 0, 'a turn is left');
    this.#callers.closeAll();
    await this.#settle();
    broker.checkInvariants();
    await this.#askCanary();
    this.#canary?.leave();
    for (const { clientId } of [...broker.sessions.all()]) {
      const client = simulation.open();
      client.connect(clientId, { clean: true });
      await this.#settle();
      client.drop();
    }
    simulation.advance(60);
    // What is handed over from member to member is read back one by one.
    for (let tries = 0; tries < HAND_OVER_TRIES; tries++) await this.#settle();
    broker.checkInvariants();
    this.#checkNothingLeft();
    const stopped = broker.stop(0, ReasonCode.ServerShuttingDown);
    await this.#settle();
    await stopped;
  }

  #checkNothingLeft(): void {
    const { stats, router, memory } = this.#simulation.broker;
    const errors = [...stats.internalErrors].filter(([, count]) => count > 0);
    check(errors.length === 0, `internal errors: ${errors}`);
    check(stats.connectionsCurrent === 0, `${stats.connectionsCurrent} connections are left`);
    check(stats.sessionsCurrent === 0, `${stats.sessionsCurrent} sessions are left`);
    const { subscriptionCount } = router.trie;
    check(subscriptionCount === 0, `${subscriptionCount} subscriptions are left`);
    const { topics: _topics, ...accounts } = memory.accounts;
    const held = Object.entries(accounts).filter(([, { bytes }]) => bytes !== 0);
    check(held.length === 0, `held: ${held.map(([name, { bytes }]) => `${name} ${bytes}`)}`);
  }
}

/** Does nothing wrong, and is to be served. */
class Canary {
  readonly #simulation: Simulation;
  readonly #link: DirectLink;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#link = new DirectLink(simulation.broker, '192.0.2.200:1');
  }

  get isClosed(): boolean {
    return this.#link.isClosed;
  }

  /** CONNECT of MQTT 3.1.1 without keep alive is accepted. */
  async begin(settle: () => Promise<void>): Promise<void> {
    const connecting = Buffer.from('101200044d51545404020000000663616e617279', 'hex');
    await this.#roundTrip(connecting, '20020000', settle);
  }

  /** A PINGREQ is answered. */
  async ask(settle: () => Promise<void>): Promise<void> {
    await this.#roundTrip(Uint8Array.of(0xc0, 0), 'd000', settle);
  }

  leave(): void {
    this.#link.send(Uint8Array.of(0xe0, 0));
    this.#link.close();
  }

  async #roundTrip(bytes: Uint8Array, wanted: string, settle: () => Promise<void>): Promise<void> {
    this.#link.send(bytes);
    this.#simulation.runtime.endTurn();
    await settle();
    const answer = Buffer.concat(this.#link.take()).toString('hex');
    check(answer === wanted, `the canary is answered "${answer}"`);
  }
}

function check(isMet: boolean, what: string): asserts isMet {
  if (!isMet) throw new Error(what);
}
