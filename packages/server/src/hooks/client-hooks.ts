import type { PublishView } from '@promptmq/codec';
import { ReasonCode } from '@promptmq/codec';
import { Deadline } from '../runtime/deadline-queue.ts';
import { ALLOWED, type Allowance, type Refusal, type Verdict, verdictOf } from './answers.ts';
import type { BrokerHooks } from './broker-hooks.ts';
import { HookError, type HookFailure, InvalidAnswer, shown, thrownText } from './hook-error.ts';
import {
  changedMessage,
  DeliveredMessage,
  type MessageSource,
  PublishedMessage,
} from './hook-message.ts';
import {
  type HookAttributes,
  type HookClient,
  type HookConnection,
  type HookCredentials,
  type HookMessage,
  type HookName,
  type HookSubscription,
  type Hooks,
  NO_ATTRIBUTES,
} from './hooks.ts';
import type { AskedConnection } from './host.ts';

/** What is known of a client from the beginning. */
export type ClientFacts = Pick<HookClient, 'clientId' | 'remoteAddress' | 'protocol' | 'version'>;

type OnVerdict = (verdict: Verdict) => void;

/** What is said when a hook failed: the client gets no details. */
const FAILED: Refusal = {
  isAllowed: false,
  reasonCode: ReasonCode.ImplementationSpecificError,
  why: 'the program that decides on it failed',
  isFailure: true,
};
const TOO_LATE: Refusal = {
  isAllowed: false,
  reasonCode: ReasonCode.ServerUnavailable,
  why: 'the program that decides on it took too long (hooks.timeout)',
  isFailure: true,
};

/**
 * The hooks as they are asked for one client, from its CONNECT to its end.
 *
 * Invariant: one answer at most is awaited, and exactly then the connection is suspended on that account and the deadline
 * is scheduled. When the connection is over, nothing is awaited, and no answer has any effect.
 */
export class ClientHooks {
  readonly client: HookClient & {
    clientId: string;
    userName: string | null;
    attributes: HookAttributes;
  };
  /** Whether somebody is asked for each message that is published. */
  readonly asksPublish: boolean;
  /** Whether somebody is asked for each message that it is sent. */
  readonly asksDeliver: boolean;
  readonly #hooks: BrokerHooks;
  readonly #functions: Hooks;
  readonly #connection: AskedConnection;
  /** Given to each hook until one has been awaited: what it has added to it doesn't pile up. */
  #controller: AbortController | null;
  /** The PUBLISH that is asked for, in an object that is used again; null while nobody has it, or a hook keeps it. */
  #message: PublishedMessage | null;
  /** The message that is to be sent, likewise. */
  #delivered: DeliveredMessage | null;
  /** On the PUBLISH that was asked for last; null while that is awaited. */
  #verdict: Verdict | null;
  readonly #keepVerdict: OnVerdict;
  readonly #deadline: Deadline;
  /** Which is awaited; null when none is. */
  #awaited: HookName | null;
  #onVerdict: OnVerdict;
  /** What is to be asked beside what the client sends; null when nothing is. */
  #beside: ((onDone: () => void) => void) | null;
  /** Whether that is being done. */
  #isBeside: boolean;
  /** Counts what has been awaited: late answers are recognised by it. */
  #number: number;
  #isOver: boolean;

  /** @param functions - that are asked for this client */
  constructor(
    hooks: BrokerHooks,
    connection: AskedConnection,
    facts: ClientFacts,
    functions: Hooks = hooks.functions,
  ) {
    const { transform, authorizePublish } = functions;
    this.asksPublish = transform !== undefined || authorizePublish !== undefined;
    this.#hooks = hooks;
    this.#functions = functions;
    this.asksDeliver = hooks.asksDeliver;
    this.#message = null;
    this.#delivered = null;
    this.#verdict = null;
    this.#keepVerdict = (verdict) => {
      this.#verdict = verdict;
    };
    this.#connection = connection;
    this.client = { ...facts, userName: null, attributes: NO_ATTRIBUTES };
    this.#controller = null;
    this.#deadline = new Deadline(() => this.#onLate(), connection);
    this.#awaited = null;
    this.#onVerdict = () => {};
    this.#beside = null;
    this.#isBeside = false;
    this.#number = 0;
    this.#isOver = false;
  }

  /** @param onVerdict - called at once where the hook answers at once; never where the connection is over before */
  preConnect(connection: HookConnection, onVerdict: OnVerdict): void {
    const functions = this.#functions;
    if (functions.preConnect === undefined) onVerdict(ALLOWED);
    else this.#ask('preConnect', (signal) => functions.preConnect?.(connection, signal), onVerdict);
  }

  /** The same. */
  authenticate(credentials: HookCredentials, onVerdict: OnVerdict): void {
    const functions = this.#functions;
    if (functions.authenticate === undefined) {
      onVerdict(ALLOWED);
      return;
    }
    const { client } = this;
    this.#ask(
      'authenticate',
      (signal) => functions.authenticate?.(client, credentials, signal),
      onVerdict,
    );
  }

  /**
   * Decides on a PUBLISH.
   *
   * @param view - read; the hooks may have other packets read with it
   * @returns null when an answer is awaited: then `takeVerdict` has it when the connection is resumed; also when the connection is over
   */
  decide(view: PublishView, topic: string): Verdict | null {
    this.#message ??= new PublishedMessage();
    const message = this.#message;
    message.fill(view, topic);
    this.#verdict = null;
    const functions = this.#functions;
    if (functions.transform !== undefined || functions.authorizePublish === undefined) {
      this.askForMessage(message, this.#keepVerdict);
      return this.#verdict;
    }
    // The ordinary way, without anything that is made for one message.
    try {
      const returned = functions.authorizePublish(this.client, message, this.#signal);
      if (returned === true && !this.#isOver) return ALLOWED;
      this.#verdict = this.#take('authorizePublish', returned, this.#keepVerdict);
    } catch (error) {
      this.#verdict = this.#failed('authorizePublish', error);
    }
    return this.#isOver ? null : this.#verdict;
  }

  /** The answer that was awaited. */
  takeVerdict(): Verdict {
    return this.#verdict as Verdict;
  }

  /** Asks what becomes of a message: `message` in the verdict takes its place. As `preConnect`. */
  askForMessage(message: HookMessage, onVerdict: OnVerdict): void {
    const functions = this.#functions;
    const { client } = this;
    if (functions.transform === undefined) {
      this.#authorize(message, ALLOWED, onVerdict);
      return;
    }
    const onTransformed = (verdict: Verdict) => {
      if (verdict.isAllowed) this.#authorize(verdict.message ?? message, verdict, onVerdict);
      else onVerdict(verdict);
    };
    this.#ask(
      'transform',
      (signal) => functions.transform?.(client, message, signal),
      onTransformed,
      message,
    );
  }

  /** @param transformed - the verdict of `transform`, which holds where this is allowed */
  #authorize(message: HookMessage, transformed: Verdict, onVerdict: OnVerdict): void {
    const functions = this.#functions;
    const { client } = this;
    if (functions.authorizePublish === undefined) {
      onVerdict(transformed);
      return;
    }
    this.#ask(
      'authorizePublish',
      (signal) => functions.authorizePublish?.(client, message, signal),
      (verdict) => onVerdict(verdict.isAllowed ? transformed : verdict),
    );
  }

  /**
   * Whether the client may be sent a message.
   *
   * @param flags - `qos << 1 | retain`, as it gets it
   * @param source - valid while this is called
   */
  mayDeliver(topic: string, flags: number, source: MessageSource): boolean {
    const message = this.#delivered ?? new DeliveredMessage();
    // A hook may have the broker send something else.
    this.#delivered = null;
    let answer: unknown;
    try {
      answer = this.#functions.authorizeDeliver?.(this.client, message.fill(topic, flags, source));
      if (answer !== true && answer !== false) throw new InvalidAnswer(noBoolean(answer));
    } catch (error) {
      if (isPromise(answer)) Promise.resolve(answer).then(ignore, ignore);
      this.#failed('authorizeDeliver', error);
      answer = false;
    }
    this.#delivered = message;
    return answer === true;
  }

  /** Whether somebody is asked for each subscription. */
  get asksSubscribe(): boolean {
    return this.#functions.authorizeSubscribe !== undefined;
  }

  /** As `preConnect`. */
  authorizeSubscribe(subscription: HookSubscription, onVerdict: OnVerdict): void {
    const functions = this.#functions;
    const { client } = this;
    this.#ask(
      'authorizeSubscribe',
      (signal) => functions.authorizeSubscribe?.(client, subscription, signal),
      onVerdict,
    );
  }

  /** Whether an answer is awaited. */
  get isAwaiting(): boolean {
    return this.#awaited !== null;
  }

  /** The peer is gone, and an answer is awaited: it may still have an effect, and whoever works on it is notified. */
  abort(): void {
    this.#controller?.abort(new Error('the client has gone'));
  }

  /**
   * Asks for what the client hasn't just sent, such as after a reload: at once, or when what is awaited is done. Nothing that the client
   * sends is processed meanwhile.
   *
   * @param action - calls `onDone` when all is done; where it is to be done again before it has begun, it is done once
   */
  askBeside(action: (onDone: () => void) => void): void {
    this.#beside = action;
    if (this.#awaited === null && !this.#isBeside) this.#askBeside();
  }

  #askBeside(): void {
    const action = this.#beside;
    this.#beside = null;
    if (action === null || this.#isOver) return;
    this.#isBeside = true;
    this.#connection.suspend();
    action(() => {
      this.#isBeside = false;
      this.#askBeside();
      this.#connection.resume();
    });
  }

  /** Keeps what an answer says of the client. */
  addAttributes({ attributes }: Allowance): void {
    if (attributes === undefined) return;
    this.client.attributes = Object.freeze({ ...this.client.attributes, ...attributes });
  }

  /**
   * The connection is over: nobody needs an answer any more.
   *
   * @returns whether one was awaited, so that the connection is still suspended on that account
   */
  end(): boolean {
    const isAwaited = this.#awaited !== null;
    this.#isOver = true;
    this.#awaited = null;
    this.#hooks.host.deadlines.cancel(this.#deadline);
    const controller = this.#controller;
    this.#controller = null;
    controller?.abort(new Error('the client has gone'));
    return isAwaited;
  }

  get #signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** @param message - that the answer may change; by default there is none */
  #ask(
    hook: HookName,
    call: (signal: AbortSignal) => unknown,
    onVerdict: OnVerdict,
    message: HookMessage | null = null,
  ): void {
    let verdict: Verdict | null;
    try {
      verdict = this.#take(hook, call(this.#signal), onVerdict, message);
    } catch (error) {
      verdict = this.#failed(hook, error);
    }
    // A hook may have had the client disconnected.
    if (verdict !== null && !this.#isOver) onVerdict(verdict);
  }

  /** @returns null when the answer is awaited */
  #take(
    hook: HookName,
    returned: unknown,
    onVerdict: OnVerdict,
    message: HookMessage | null = null,
  ): Verdict | null {
    if (!isPromise(returned)) return this.#read(hook, returned, message);
    this.#await(hook, returned, onVerdict, message);
    return null;
  }

  /** @throws {InvalidAnswer} when it is none */
  #read(hook: HookName, answer: unknown, message: HookMessage | null): Verdict {
    const verdict = verdictOf(hook, answer);
    if (message === null || !verdict.isAllowed || verdict.change === undefined) return verdict;
    const { mqtt } = this.#hooks.host.config;
    return { isAllowed: true, message: changedMessage(message, verdict.change, mqtt) };
  }

  #await(
    hook: HookName,
    answer: PromiseLike<unknown>,
    onVerdict: OnVerdict,
    message: HookMessage | null,
  ): void {
    this.#message = null;
    const number = ++this.#number;
    const isAwaited = () => this.#awaited !== null && this.#number === number;
    // A promise of another kind may call back at once.
    Promise.resolve(answer).then(
      (value) => {
        if (isAwaited()) this.#settle(() => this.#read(hook, value, message));
      },
      (error: unknown) => {
        if (!isAwaited()) return;
        this.#settle(() => {
          throw error;
        });
      },
    );
    if (this.#isOver) return;
    this.#awaited = hook;
    this.#onVerdict = onVerdict;
    this.#connection.suspend();
    const { deadlines, runtime, config } = this.#hooks.host;
    deadlines.schedule(this.#deadline, runtime.now() + config.hooks.timeout);
  }

  /** The answer that was awaited has come. */
  #settle(read: () => Verdict): void {
    const hook = this.#awaited as HookName;
    let verdict: Verdict;
    try {
      verdict = read();
    } catch (error) {
      verdict = this.#failed(hook, error);
    }
    this.#hooks.host.deadlines.cancel(this.#deadline);
    this.#controller = null;
    this.#continue(verdict);
  }

  #continue(verdict: Verdict): void {
    const connection = this.#connection;
    const onVerdict = this.#onVerdict;
    this.#awaited = null;
    const activity = connection.isConnected ? 'receiving' : 'authenticating';
    this.#hooks.host.faults.contain(connection, activity, () => {
      onVerdict(verdict);
      if (this.#awaited === null && !this.#isBeside) this.#askBeside();
      connection.resume();
    });
  }

  #onLate(): void {
    const hook = this.#awaited as HookName;
    const connection = this.#connection;
    const { timeout } = this.#hooks.host.config.hooks;
    this.#note(hook, 'timeout', `has not answered within ${timeout} ms (hooks.timeout)`);
    const controller = this.#controller;
    this.#controller = null;
    controller?.abort(new Error('it took too long (hooks.timeout)'));
    // Whoever was notified of that may have disconnected the client.
    if (this.#isOver) return;
    if (!connection.isConnected) {
      this.#continue(TOO_LATE);
      return;
    }
    // 0x88 belongs to CONNACK: a DISCONNECT can't have it (§3.14.2.1).
    connection.disconnect(ReasonCode.ServerBusy, 'hook timeout', TOO_LATE.why);
  }

  #failed(hook: HookName, error: unknown): Verdict {
    if (error instanceof InvalidAnswer) this.#note(hook, 'invalid-answer', error.message);
    else this.#note(hook, 'threw', `threw ${thrownText(error)}`, error);
    return FAILED;
  }

  #note(hook: HookName, failure: HookFailure, message: string, cause?: unknown): void {
    const error = new HookError(hook, failure, this.client.clientId, message, cause);
    this.#hooks.note(error, this.client.remoteAddress);
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function noBoolean(answer: unknown): string {
  const what = isPromise(answer) ? 'a promise' : shown(answer);
  return `returned ${what}; it may return true or false, at once`;
}

function ignore(): void {}
