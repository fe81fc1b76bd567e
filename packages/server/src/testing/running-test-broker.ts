import type { Duplex } from 'node:stream';
import { FaultyFiles, MemoryIndex, Random, type Survival } from '@promptmq/wal/testing';
import type { ConfigInput } from '../config/index.ts';
import {
  type BrokerExtras,
  type OpenedBroker,
  openBroker,
  parseEmbeddedConfig,
} from '../embed/create-broker.ts';
import type { RunningBroker } from '../embed/running-broker.ts';
import type { ClientOrigin } from '../embed/streams/streams.ts';
import type { Listener } from '../listeners/listener.ts';
import { ProcessLife } from './clock/process-life.ts';
import { Quiet } from './clock/quiet.ts';
import { BrokerTestClock } from './clock/test-clock.ts';
import { BrokerFaults, type FaultsHost } from './faults/test-faults.ts';
import { type LinkHost, PacketLink } from './link/packet-link.ts';
import { PacketLog } from './log/packet-log.ts';
import { parseDuration } from './measures.ts';
import { MessageStore, type WaitOptions } from './messages/message-store.ts';
import { type ReceivedMessage, receivedMessage } from './messages/received-message.ts';
import type { RestartOptions, TestBroker } from './test-broker.ts';
import { badArgument, onlyOptions, TestBrokerError } from './test-broker-error.ts';
import type { TestSetup } from './test-broker-options.ts';

/** A process of the broker. */
interface Process {
  readonly life: ProcessLife;
  readonly opened: OpenedBroker;
}

/** A test broker: one broker after the other, on one disk, and whoever looks on. */
export class RunningTestBroker implements TestBroker, LinkHost, FaultsHost {
  readonly clock: BrokerTestClock;
  readonly faults: BrokerFaults;
  readonly seed: number;
  readonly links: Set<PacketLink>;
  readonly #log: PacketLog;
  readonly #quiet: Quiet;
  readonly #messages: MessageStore;
  readonly #extras: BrokerExtras;
  readonly #random: Random;
  /** By client identifier: how many connections it has had. */
  readonly #connections: Map<string, number>;
  /** Of the next start. */
  #input: ConfigInput;
  #files: FaultyFiles;
  #index: MemoryIndex;
  #ids: number;
  /** Null while there is none. */
  #process: Process | null;
  /** The restart that is under way, or was last. */
  #restarted: Promise<void>;
  #stopped: Promise<void> | null;

  constructor({ isFake, seed, keep, config }: TestSetup, extras: BrokerExtras) {
    this.#quiet = new Quiet();
    this.clock = new BrokerTestClock(isFake, this.#quiet);
    this.faults = new BrokerFaults(this);
    this.seed = seed;
    this.#log = new PacketLog(keep);
    this.#messages = new MessageStore(keep);
    this.#extras = extras;
    this.#random = new Random(seed);
    this.links = new Set();
    this.#connections = new Map();
    this.#input = config;
    this.#files = new FaultyFiles();
    this.#index = new MemoryIndex();
    this.#ids = 0;
    this.#process = null;
    this.#restarted = Promise.resolve();
    this.#stopped = null;
  }

  /** To be called once. */
  async start(): Promise<void> {
    const config = parseEmbeddedConfig(this.#input);
    const life = new ProcessLife(this.clock.machine, () => this.#nextId());
    const storage = { files: this.#files, index: this.#index, clock: life };
    const opened = await openBroker(
      config,
      { ...this.#extras, ...(config.storage.enabled ? { storage } : {}) },
      {
        runtime: life,
        intercept: (transport, accept) => {
          const link = PacketLink.intercept(this, transport, accept);
          if (link !== null) this.links.add(link);
          return link;
        },
      },
    );
    opened.running.on('publish', ({ topic, payload, qos, retain, properties, client }) => {
      this.#quiet.note();
      const clientId = client?.clientId ?? null;
      this.#messages.add(receivedMessage({ topic, payload, qos, retain, properties, clientId }));
    });
    this.#process = { life, opened };
    this.#input = withAddresses(this.#input, opened.running);
  }

  // ------------------------------------------------------------------ what tests see

  get broker(): RunningBroker {
    if (this.#process === null) throw new TestBrokerError('stopped', 'there is no broker now');
    return this.#process.opened.running;
  }

  get url(): string {
    return this.broker.url ?? this.#notListening('bind');
  }

  get wsUrl(): string {
    return this.broker.wsUrl ?? this.#notListening('wsBind');
  }

  get log(): string {
    return this.#log.text;
  }

  connect(options?: ClientOrigin): Duplex {
    return this.broker.connect(options);
  }

  received(filter?: string): ReceivedMessage[] {
    return this.#messages.matching('received', filter);
  }

  waitFor(filter: string, options: WaitOptions = {}): Promise<ReceivedMessage[]> {
    return this.#messages.waitFor(filter, options);
  }

  clear(): void {
    this.#messages.clear();
    this.#log.clear();
  }

  settle(): Promise<void> {
    return this.#quiet.settle();
  }

  async restart(options: RestartOptions = {}): Promise<void> {
    const restarted = this.#restart(options);
    this.#restarted = restarted.catch(() => {});
    await restarted;
  }

  async #restart(options: RestartOptions): Promise<void> {
    const { kill = false, powerCut = false, downFor } = options;
    onlyOptions('restart', options, ['kill', 'powerCut', 'downFor']);
    if (typeof kill !== 'boolean') badArgument('restart: kill', kill, 'true or false');
    if (typeof powerCut !== 'boolean') badArgument('restart: powerCut', powerCut, 'true or false');
    const downMs = downFor === undefined ? 0 : parseDuration('restart: downFor', downFor);
    if (downMs > 0) this.clock.requireFake('restart: downFor');
    const process = this.#process;
    if (process === null) throw new TestBrokerError('stopped', 'restart: there is no broker now');
    this.#process = null;
    if (kill || powerCut) await this.#kill(process, powerCut ? 'nothing' : 'everything');
    else await this.#stop(process);
    if (downMs > 0) await this.clock.advance(downFor as string);
    this.#log.event('the broker starts');
    await this.start();
    // What fell due meanwhile is done.
    await this.#quiet.settle();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  // ----------------------------------------------------------------------- processes

  async #end(): Promise<void> {
    this.#messages.stop();
    await this.#restarted;
    const process = this.#process;
    this.faults.clear();
    if (process !== null) await this.#stop(process);
    this.#process = null;
    process?.life.endWhole();
    this.clock.stop();
  }

  /** Clients get their DISCONNECT; those that don't close then are cut. */
  async #stop({ life, opened }: Process): Promise<void> {
    this.#log.event('the broker stops');
    const stopped = opened.running.stop();
    await this.#quiet.settle();
    for (const link of this.links) link.sever();
    await stopped;
    life.endWhole();
    this.#takeDisk('everything');
  }

  async #kill({ life, opened }: Process, survival: Survival): Promise<void> {
    this.#log.event(survival === 'nothing' ? 'the power is cut' : 'the broker is killed');
    life.endWhole();
    this.#takeDisk(survival);
    for (const link of this.links) link.die();
    await opened.abandon();
  }

  /** The disk as the next process finds it. */
  #takeDisk(survival: Survival): void {
    this.#files = this.#files.crash(survival, this.#random);
    this.#index = this.#index.crash();
  }

  /** As `Runtime.uniqueId`, and the same in each run: client identifiers that are assigned stand in the log of packets. */
  #nextId(): string {
    this.#ids++;
    return `assigned-${String(this.#ids).padStart(13, '0')}`;
  }

  #notListening(option: string): never {
    throw new TestBrokerError('bad-argument', `server.${option} is none: there is no such address`);
  }

  // ------------------------------------------------------------------- what links tell

  get machine() {
    return this.clock.machine;
  }

  get packetLog(): PacketLog {
    return this.#log;
  }

  get packetSizeMax(): number {
    return this.#process?.opened.broker.config.mqtt.maxPacketSize ?? Number.POSITIVE_INFINITY;
  }

  get fates(): BrokerFaults {
    return this.faults;
  }

  onActivity(): void {
    this.#quiet.note();
  }

  onNamed(link: PacketLink): void {
    const clientId = link.clientId as string;
    link.number = (this.#connections.get(clientId) ?? 0) + 1;
    this.#connections.set(clientId, link.number);
  }

  onClosed(link: PacketLink): void {
    this.links.delete(link);
  }
}

/** The same options with the addresses that the broker has now, so that the next one has them, too. */
function withAddresses(input: ConfigInput, { listeners, metricsUrl }: RunningBroker): ConfigInput {
  const of = (protocol: Listener['protocol']) =>
    listeners
      .filter((listener) => listener.protocol === protocol)
      .map(({ address }) => (address.startsWith('/') ? `unix:${address}` : address));
  const bound = Object.fromEntries(
    Object.entries({
      bind: of('mqtt'),
      wsBind: of('ws'),
      tlsBind: of('mqtts'),
      wssBind: of('wss'),
    }).filter(([, addresses]) => addresses.length > 0),
  );
  const metrics =
    metricsUrl === null ? {} : { metrics: { ...input.metrics, bind: new URL(metricsUrl).host } };
  return { ...input, server: { ...input.server, ...bound }, ...metrics };
}
