import { type TopicFilterFault, topicFilterFault } from '@promptmq/topics';
import type { PacketReader } from './reader.ts';
import { ReasonCode } from './reason-code.ts';
import { type Rule, rules } from './rules.ts';

/** By which rule a filter is refused: one for all versions, or each its own. */
const RULES: Readonly<Record<TopicFilterFault, Rule | string>> = {
  empty: 'MQTT-4.7.3-1',
  'null-character': 'MQTT-4.7.3-2',
  'multi-level-wildcard': rules.multiLevelWildcard,
  'single-level-wildcard': rules.singleLevelWildcard,
  'share-name': rules.shareName,
  'share-filter': rules.shareFilter,
};

/**
 * Reads one topic filter of a SUBSCRIBE or UNSUBSCRIBE, and counts it towards the receiver's limit.
 *
 * @param utf8Rule - by which it is UTF-8
 * @throws {PacketError} 0x8f when it is not well-formed (§4.7, §4.8.2)
 */
export function readTopicFilter(reader: PacketReader, utf8Rule: string): string {
  reader.countFilter();
  const start = reader.offset + 2;
  const filter = reader.string(utf8Rule);
  const fault = topicFilterFault(filter, reader.version);
  if (fault === null) return filter;
  throw reader.error(ReasonCode.TopicFilterInvalid, RULES[fault], 'topic filter', start);
}
