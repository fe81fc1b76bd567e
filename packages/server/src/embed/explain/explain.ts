import { PacketError } from '@promptmq/codec';
import { isValidTopicFilter } from '@promptmq/topics';
import type { Broker } from '../../broker.ts';
import type { Explanation } from '../../routing/explanation.ts';
import { isReserved } from '../../routing/reserved-topics.ts';
import { Arguments } from '../calls/arguments.ts';

/** A message of which is asked what would become of it. */
export interface PublishQuestion {
  readonly topic: string;
  /** 0 by default. */
  readonly qos?: 0 | 1 | 2 | undefined;
  /** Whether it would be retained; false by default. */
  readonly retain?: boolean | undefined;
  /** The client identifier of who would publish it; by default the program, which may publish everything. */
  readonly from?: string | undefined;
}

/** What would become of a message. Sessions whose subscriptions don't match are not in it. */
export interface PublishExplanation extends Explanation {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /**
   * Who would publish it, and whether the rules allow it, those of its connection where it has one; null where nobody was named. Where they
   * don't, nobody gets it.
   */
  readonly publisher: {
    readonly clientId: string;
    readonly isConnected: boolean;
    readonly isAllowed: boolean;
    /** The rule that decided; null where none did. */
    readonly rule: string | null;
  } | null;
}

/** @throws {EmbedError} `invalid-argument` */
export function explainPublish(broker: Broker, question: PublishQuestion): PublishExplanation {
  const args = new Arguments('explainPublish');
  args.options(question, ['topic', 'qos', 'retain', 'from']);
  const topic = args.text('topic', question.topic);
  if (!isValidTopicFilter(topic) || /[+#]/.test(topic)) {
    args.refuse('topic takes a topic name: one character at least, no wildcards, no U+0000');
  }
  const qos = args.wholeNumber('qos', question.qos ?? 0, 0, 2) as 0 | 1 | 2;
  const retain = args.flag('retain', question.retain ?? false);
  const from = question.from === undefined ? null : args.text('from', question.from);
  const publisher = from === null ? null : publisherOf(broker, from, topic, qos, retain);
  const facts = { topic, qos, retain, publisher };
  if (publisher?.isAllowed === false) return { ...facts, count: 0, recipients: [] };
  const { router, sessions } = broker;
  const message = { topic, qos, retain, publisherId: from ?? '' };
  try {
    return {
      ...facts,
      ...router.explain(message, (session) => sessions.entryOf(session).subscriptions.filters()),
    };
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return args.refuse(`topic: ${error.message}`);
  }
}

function publisherOf(
  { sessions, access }: Broker,
  clientId: string,
  topic: string,
  qos: 0 | 1 | 2,
  retain: boolean,
): PublishExplanation['publisher'] {
  const connection = sessions.connectionOf(clientId);
  const isConnected = connection !== null;
  if (isReserved(Buffer.from(topic))) {
    return { clientId, isConnected, isAllowed: false, rule: 'topics below $SYS are the broker’s' };
  }
  const entry = sessions.find(clientId);
  const names = { identity: { clientId, userName: entry?.owner ?? null }, own: null, limits: null };
  const permissions =
    connection === null ? access.permissionsOf(entry?.rights ?? names) : connection.permissions;
  const decision = permissions?.decide('publish', topic, qos, retain);
  return { clientId, isConnected, isAllowed: true, rule: null, ...decision };
}
