import { isDeepStrictEqual } from 'node:util';
import type { PublishProperties, QoS } from '@promptmq/codec';
import { messageText } from '../messages/message-store.ts';
import type { ReceivedMessage } from '../messages/received-message.ts';
import type { TestBroker } from '../test-broker.ts';
import { badArgument, shown, TestBrokerError } from '../test-broker-error.ts';

/** What a message is to be like; what is left out may be anything. */
export interface ExpectedMessage {
  /** A text, bytes, what the payload is as JSON, an asymmetric matcher of jest or vitest, or a function that returns true for it. */
  readonly payload?: unknown;
  readonly qos?: QoS;
  readonly retain?: boolean;
  /** Those that are given; others may be there. */
  readonly properties?: PublishProperties;
  /** The client identifier of its publisher; null: the program, by `broker.publish`. */
  readonly client?: string | null;
  /** How many such messages, exactly; at least one by default. */
  readonly count?: number;
}

/** As `expect` of jest and vitest compares. */
export type Equals = (actual: unknown, expected: unknown) => boolean;

/** How many messages are as expected, and what to say of it. */
export interface Comparison {
  readonly pass: boolean;
  readonly message: string;
}

const KEYS: readonly string[] = ['payload', 'qos', 'retain', 'properties', 'client', 'count'];

/**
 * Compares what a test broker has received with what was expected.
 *
 * @throws {TestBrokerError} `bad-argument`
 */
export function compare(
  broker: TestBroker,
  filter: string,
  expected: ExpectedMessage = {},
  equals: Equals = isDeepStrictEqual,
): Comparison {
  check(broker, expected);
  const candidates = broker.received(filter);
  const matching = candidates.filter((message) => isAsExpected(message, expected, equals));
  const { count, ...fields } = expected;
  const pass = count === undefined ? matching.length > 0 : matching.length === count;
  const number = count === undefined ? 'a message' : `${count} messages`;
  const like = Object.keys(fields).length === 0 ? '' : ` like ${describe(fields)}`;
  const arrived =
    candidates.length === 0
      ? `nothing of ${filter} has come`
      : `of ${filter} have come:${candidates.map((one) => `\n  ${messageText(one)}`).join('')}`;
  return {
    pass,
    message: `expected ${number} of ${filter}${like}; ${matching.length} came; ${arrived}`,
  };
}

function check(broker: unknown, expected: object): void {
  if (typeof (broker as { received?: unknown } | null)?.received !== 'function') {
    badArgument('toHaveReceived', broker, 'a test broker, as createTestBroker returns it');
  }
  for (const key of Object.keys(expected)) {
    if (KEYS.includes(key)) continue;
    throw new TestBrokerError(
      'bad-argument',
      `an expected message has no ${key}: it may have ${KEYS.join(', ')}`,
    );
  }
}

/** Whether a message is as expected, but for its count. */
export function isAsExpected(
  message: ReceivedMessage,
  expected: ExpectedMessage,
  equals: Equals,
): boolean {
  const { payload, qos, retain, properties, client } = expected;
  return (
    (qos === undefined || message.qos === qos) &&
    (retain === undefined || message.retain === retain) &&
    (client === undefined || message.clientId === client) &&
    (properties === undefined || hasProperties(message.properties, properties, equals)) &&
    (payload === undefined || isPayload(message, payload, equals))
  );
}

function hasProperties(actual: object, expected: object, equals: Equals): boolean {
  return Object.entries(expected).every(([name, value]) =>
    equals(plain((actual as Record<string, unknown>)[name]), plain(value)),
  );
}

function isPayload(message: ReceivedMessage, expected: unknown, equals: Equals): boolean {
  if (typeof expected === 'function') return expected(message.payload) === true;
  if (expected instanceof Uint8Array) return message.payload.equals(expected);
  if (typeof expected === 'string') return message.text() === expected;
  // An asymmetric matcher may be for text, for what is JSON, or for bytes.
  return forms(message).some((form) => equals(form, expected));
}

function forms(message: ReceivedMessage): unknown[] {
  const { payload } = message;
  try {
    return [message.json(), message.text(), payload];
  } catch {
    return [message.text(), payload];
  }
}

/** Bytes are equal whatever class they have, and objects without a prototype equal others. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.getPrototypeOf(value) === null ? { ...value } : value;
}

function describe(fields: object): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${shown(value)}`)
    .join(', ');
}
