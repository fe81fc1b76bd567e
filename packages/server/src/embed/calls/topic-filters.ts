import { isSharedFilter, topicFilterFault } from '@promptmq/topics';
import { type Arguments, shown } from './arguments.ts';

/**
 * @returns a filter of an ordinary subscription
 * @throws {EmbedError} `invalid-argument`
 */
export function checkTopicFilter(args: Arguments, name: string, value: unknown): string {
  const topicFilter = args.text(name, value);
  if (isSharedFilter(topicFilter)) args.refuse(`${name} takes no $share/NAME/ before the filter`);
  const fault = topicFilterFault(topicFilter);
  if (fault !== null) args.refuse(`${shown(topicFilter)} is no topic filter: ${fault}`);
  return topicFilter;
}
