import { isDeepStrictEqual } from 'node:util';
import { type ExpectedMessage, isAsExpected } from '../assertions/expectation.ts';
import type { Fault } from '../faults/fault.ts';
import type { TestFaults } from '../faults/test-faults.ts';
import type { TestBroker } from '../test-broker.ts';
import { ControlError, type Fields, onlyFields } from './control-error.ts';
import { messageToJson, publicationOf } from './json-message.ts';

/** An answer: an object is sent as JSON, a string as text. */
export type Answer = object | string;

interface Verb {
  readonly method: 'GET' | 'POST';
  readonly run: (fields: Fields) => Answer | Promise<Answer>;
}

type FaultMaker = (faults: TestFaults, fields: Fields) => Fault;

/** By name: the arguments that stand for themselves in a program are fields here, beside those of the selection. */
const FAULTS: Readonly<Record<keyof Omit<TestFaults, 'clear'>, FaultMaker>> = {
  drop: (faults, { packet, ...selection }) => faults.drop(packet as never, selection),
  duplicate: (faults, { packet, ...selection }) => faults.duplicate(packet as never, selection),
  delay: (faults, { packet, duration, ...selection }) =>
    faults.delay(packet as never, duration as string, selection),
  cut: (faults, fields) => faults.cut(fields),
  halfOpen: (faults, { client, ...others }) => {
    onlyFields('faults/halfOpen', others, []);
    return faults.halfOpen(client as string);
  },
  refuse: (faults, { packet, reasonCode, ...selection }) =>
    faults.refuse(packet as never, reasonCode as number, selection),
  slowReader: (faults, { client, rate, ...others }) => {
    onlyFields('faults/slowReader', others, []);
    return faults.slowReader(client as string, rate as string);
  },
  split: (faults, { size, ...selection }) => faults.split(size as number, selection),
  random: (faults, fields) => faults.random(fields as never),
};

/** Conditions on a message, as JSON can say them. */
const CONDITIONS = ['payload', 'qos', 'retain', 'properties', 'client'];

/** Faults that are kept for `undo`; the oldest are forgotten, and stay what they are. */
const FAULTS_MAX = 10_000;

/** What a test broker does when it is asked over HTTP: the verbs of `TestBroker`, with their names. */
export class Verbs {
  readonly #broker: TestBroker;
  readonly #faults: Map<number, { readonly kind: string; readonly fault: Fault }>;
  #faultCount: number;
  readonly #verbs: Readonly<Record<string, Verb>>;

  /** @param stop - the process is to end */
  constructor(broker: TestBroker, stop: () => void) {
    this.#broker = broker;
    this.#faults = new Map();
    this.#faultCount = 0;
    const faults = Object.entries(FAULTS).map(([kind, make]) => [
      `faults/${kind}`,
      post((fields) => {
        if ('where' in fields) {
          throw new ControlError(
            400,
            'bad-argument',
            `faults/${kind}: where is for programs in JavaScript`,
          );
        }
        return this.#fault(kind, make(broker.faults, fields));
      }),
    ]);
    this.#verbs = {
      '': get((fields) => this.#status(fields)),
      log: get((fields) => this.#log(fields)),
      received: get((fields) => this.#received(fields)),
      waitFor: post((fields) => this.#waitFor(fields)),
      publish: post((fields) => broker.broker.publish(publicationOf(fields))),
      clear: post((fields) => {
        onlyFields('clear', fields, []);
        broker.clear();
        return {};
      }),
      settle: post(async (fields) => {
        onlyFields('settle', fields, []);
        await broker.settle();
        return {};
      }),
      'clock/advance': post(async ({ duration, ...others }) => {
        onlyFields('clock/advance', others, []);
        await broker.clock.advance(duration as string);
        return { now: broker.clock.now() };
      }),
      restart: post(async (fields) => {
        await broker.restart(fields);
        return this.#status({});
      }),
      faults: get((fields) => {
        onlyFields('faults', fields, []);
        return {
          faults: [...this.#faults].map(([id, { kind, fault }]) => shownFault(id, kind, fault)),
        };
      }),
      ...Object.fromEntries(faults),
      'faults/undo': post((fields) => this.#undo(fields)),
      'faults/clear': post((fields) => {
        onlyFields('faults/clear', fields, []);
        broker.faults.clear();
        this.#faults.clear();
        return {};
      }),
      stop: post((fields) => {
        onlyFields('stop', fields, []);
        stop();
        return {};
      }),
    };
  }

  /**
   * Does what a request asks for.
   *
   * @param path - without a slash before it
   * @throws {ControlError} 404, 405, 400; TestBrokerError and EmbedError of what is done
   */
  async run(method: string, path: string, fields: () => Promise<Fields>): Promise<Answer> {
    const verb = Object.hasOwn(this.#verbs, path) ? this.#verbs[path] : undefined;
    if (verb === undefined) {
      throw new ControlError(404, 'not-found', `there is no /${path}: there are ${this.#list()}`);
    }
    if (verb.method !== method) {
      throw new ControlError(405, 'bad-method', `/${path} takes ${verb.method}, not ${method}`);
    }
    return await verb.run(await fields());
  }

  #list(): string {
    return Object.entries(this.#verbs)
      .map(([path, { method }]) => `${method} /${path}`)
      .join(', ');
  }

  #status(fields: Fields): Answer {
    onlyFields('/', fields, []);
    const { url, wsUrl, clock } = this.#broker;
    return { url, wsUrl, clock: { isFake: clock.isFake, now: clock.now() } };
  }

  #log(fields: Fields): Answer {
    onlyFields('log', fields, []);
    return this.#broker.log;
  }

  #received(fields: Fields): Answer {
    onlyFields('received', fields, ['filter']);
    const { filter } = fields;
    const messages = this.#broker.received(filter as string | undefined);
    return { messages: messages.map(messageToJson) };
  }

  async #waitFor(fields: Fields): Promise<Answer> {
    onlyFields('waitFor', fields, ['filter', 'count', 'within', 'where']);
    const { filter, where, ...options } = fields;
    const messages = await this.#broker.waitFor(filter as string, {
      ...options,
      ...(where === undefined ? {} : { where: conditionOf(where) }),
    });
    return { messages: messages.map(messageToJson) };
  }

  #fault(kind: string, fault: Fault): Answer {
    const id = ++this.#faultCount;
    this.#faults.set(id, { kind, fault });
    for (const oldest of this.#faults.keys()) {
      if (this.#faults.size <= FAULTS_MAX) break;
      this.#faults.delete(oldest);
    }
    return shownFault(id, kind, fault);
  }

  #undo({ id, ...others }: Fields): Answer {
    onlyFields('faults/undo', others, []);
    const found = this.#faults.get(id as number);
    if (found === undefined) {
      throw new ControlError(400, 'bad-argument', `faults/undo: there is no fault with id ${id}`);
    }
    found.fault.undo();
    this.#faults.delete(id as number);
    return shownFault(id as number, found.kind, found.fault);
  }
}

function get(run: Verb['run']): Verb {
  return { method: 'GET', run };
}

function post(run: Verb['run']): Verb {
  return { method: 'POST', run };
}

function shownFault(id: number, kind: string, { hits }: Fault): object {
  return { id, kind, hits };
}

function conditionOf(where: unknown) {
  if (typeof where !== 'object' || where === null || Array.isArray(where)) {
    throw new ControlError(
      400,
      'bad-argument',
      `waitFor: where is an object with any of ${CONDITIONS.join(', ')}`,
    );
  }
  onlyFields('waitFor: where', where as Fields, CONDITIONS);
  return (message: Parameters<typeof isAsExpected>[0]) =>
    isAsExpected(message, where as ExpectedMessage, isDeepStrictEqual);
}
