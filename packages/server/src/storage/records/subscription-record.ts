import type { Subscription } from '@promptmq/topics';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { RecordKind } from './record-kind.ts';

/*
 * Subscribe:
 *
 *   u8        5
 *   f64       session
 *   u32       count, and as often:
 *     string  whole filter
 *     u8      options, as in SUBSCRIBE of MQTT 5: 1, 2 QoS; 4 No Local; 8 Retain As Published; 16, 32 Retain Handling
 *     u32     Subscription Identifier; 0 when there is none
 *
 * Unsubscribe:
 *
 *   u8        6
 *   f64       session
 *   u32       count, and as many string filters
 */

const Options = { QoS: 3, NoLocal: 4, RetainAsPublished: 8, retainHandlingShift: 4 } as const;

export function writeSubscriptions(
  writer: ByteWriter,
  session: number,
  subscriptions: Iterable<Subscription>,
): void {
  writer.reset().u8(RecordKind.Subscribe).f64(session);
  const countOffset = writer.length;
  writer.u32(0);
  let count = 0;
  for (const subscription of subscriptions) {
    writer
      .string(subscription.topicFilter)
      .u8(
        subscription.qos |
          (subscription.noLocal ? Options.NoLocal : 0) |
          (subscription.retainAsPublished ? Options.RetainAsPublished : 0) |
          (subscription.retainHandling << Options.retainHandlingShift),
      )
      .u32(subscription.subscriptionIdentifier);
    count++;
  }
  writer.putU32(countOffset, count);
}

/** @param reader - after the session's number */
export function* readSubscriptions(reader: ByteReader): Generator<Subscription> {
  for (let count = reader.u32(); count > 0; count--) {
    const topicFilter = reader.string();
    const options = reader.u8();
    yield {
      topicFilter,
      qos: (options & Options.QoS) as 0 | 1 | 2,
      noLocal: (options & Options.NoLocal) !== 0,
      retainAsPublished: (options & Options.RetainAsPublished) !== 0,
      retainHandling: (options >> Options.retainHandlingShift) as 0 | 1 | 2,
      subscriptionIdentifier: reader.u32(),
    };
  }
}

export function writeUnsubscriptions(
  writer: ByteWriter,
  session: number,
  topicFilters: readonly string[],
): void {
  writer.reset().u8(RecordKind.Unsubscribe).f64(session).u32(topicFilters.length);
  for (const topicFilter of topicFilters) writer.string(topicFilter);
}

/** @param reader - after the session's number */
export function* readUnsubscriptions(reader: ByteReader): Generator<string> {
  for (let count = reader.u32(); count > 0; count--) yield reader.string();
}
