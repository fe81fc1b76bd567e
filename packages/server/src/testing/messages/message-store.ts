import { matchesFilter, topicFilterFault } from '@promptmq/topics';
import { bytesText } from '../log/packet-text.ts';
import { parseDuration } from '../measures.ts';
import { badArgument, onlyOptions, TestBrokerError } from '../test-broker-error.ts';
import { wholeNumber } from '../test-broker-options.ts';
import type { ReceivedMessage } from './received-message.ts';

/** What is waited for. */
export interface WaitOptions {
  /** How many messages; 1 by default. */
  readonly count?: number;
  /** Only messages for which it returns true. Where it throws, as `json()` may, the message isn't one of them. */
  readonly where?: (message: ReceivedMessage) => boolean;
  /** How long at most, such as `500ms`, in real time, also where the broker's is fake; `5s` by default. */
  readonly within?: string;
}

interface Waiting {
  readonly filter: string;
  readonly matches: (message: ReceivedMessage) => boolean;
  readonly count: number;
  /** Those that have come. */
  readonly found: ReceivedMessage[];
  readonly end: (error: TestBrokerError | null) => void;
}

const WITHIN = '5s';
const COUNT_MAX = 1_000_000;

/** Messages that an error shows. */
const SHOWN_MAX = 20;

/** What the broker has received, and who waits for more. */
export class MessageStore {
  readonly #keptMax: number;
  #messages: ReceivedMessage[];
  readonly #waiting: Set<Waiting>;
  #isStopped: boolean;

  constructor(keptMax: number) {
    this.#keptMax = keptMax;
    this.#messages = [];
    this.#waiting = new Set();
    this.#isStopped = false;
  }

  add(message: ReceivedMessage): void {
    this.#messages.push(message);
    if (this.#messages.length >= 2 * this.#keptMax) {
      this.#messages = this.#messages.slice(-this.#keptMax);
    }
    for (const waiting of this.#waiting) {
      if (!waiting.matches(message)) continue;
      waiting.found.push(message);
      if (waiting.found.length >= waiting.count) waiting.end(null);
    }
  }

  /** Those that are kept, in the order in which they came. @throws {TestBrokerError} `bad-argument` */
  matching(where: string, filter?: string): ReceivedMessage[] {
    const kept = this.#messages.slice(-this.#keptMax);
    if (filter === undefined) return kept;
    checkFilter(where, filter);
    return kept.filter(({ topic }) => matchesFilter(filter, topic));
  }

  /** As `TestBroker.waitFor`. */
  async waitFor(filter: string, options: WaitOptions = {}): Promise<ReceivedMessage[]> {
    const { count = 1, where, within = WITHIN } = options;
    onlyOptions('waitFor', options, ['count', 'where', 'within']);
    const ms = parseDuration('waitFor: within', within);
    wholeNumber('waitFor: count', count, 1, COUNT_MAX);
    if (where !== undefined && typeof where !== 'function') {
      badArgument('waitFor: where', where, 'a function');
    }
    checkFilter('waitFor', filter);
    const matches = (message: ReceivedMessage) =>
      matchesFilter(filter, message.topic) && isOne(where, message);
    const found = this.#messages.filter(matches);
    if (found.length >= count) return found.slice(0, count);
    if (this.#isStopped) throw stopped();
    return await this.#wait({ filter, matches, count, found }, ms, within);
  }

  #wait(wanted: Omit<Waiting, 'end'>, ms: number, within: string): Promise<ReceivedMessage[]> {
    return new Promise((resolve, reject) => {
      const waiting = {
        ...wanted,
        end: (error: TestBrokerError | null) => {
          clearTimeout(timer);
          this.#waiting.delete(waiting);
          if (error === null) resolve(waiting.found);
          else reject(error);
        },
      };
      const timer = setTimeout(() => waiting.end(this.#missed(waiting, within)), ms);
      this.#waiting.add(waiting);
    });
  }

  #missed({ filter, count, found }: Waiting, within: string): TestBrokerError {
    const messages = `${count} ${count === 1 ? 'message' : 'messages'}`;
    return new TestBrokerError(
      'not-received',
      `waited ${within} for ${messages} of ${filter}, and ${found.length} came. ${this.arrived()}`,
    );
  }

  /** What has arrived at all, in words. */
  arrived(): string {
    const messages = this.#messages;
    if (messages.length === 0) return 'Nothing has arrived at all.';
    const lines = messages.slice(-SHOWN_MAX).map((message) => `\n  ${messageText(message)}`);
    const more = messages.length - lines.length;
    const earlier = more > 0 ? `\n  ... and ${more} before these` : '';
    return `What has arrived:${lines.join('')}${earlier}`;
  }

  clear(): void {
    this.#messages = [];
  }

  /** Nothing comes any more. */
  stop(): void {
    this.#isStopped = true;
    for (const waiting of this.#waiting) waiting.end(stopped());
  }
}

/** A message in one line: `a/b qos=1 "on"`. */
export function messageText({ topic, qos, retain, payload }: ReceivedMessage): string {
  return `${topic} qos=${qos}${retain ? ' retain' : ''} ${bytesText(payload)}`;
}

function isOne(where: WaitOptions['where'], message: ReceivedMessage): boolean {
  if (where === undefined) return true;
  try {
    return where(message);
  } catch {
    return false;
  }
}

function checkFilter(where: string, filter: unknown): void {
  const allowed = 'a topic filter such as a/b, a/+ or a/#';
  if (typeof filter !== 'string') badArgument(where, filter, allowed);
  if (topicFilterFault(filter) !== null) badArgument(where, filter, allowed);
}

function stopped(): TestBrokerError {
  return new TestBrokerError('stopped', 'the test broker has been stopped');
}
