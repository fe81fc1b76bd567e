import { isValidTopicFilter } from '@promptmq/topics';
import { ACL_TYPES, type AclEntry, type AclType, type Role } from '../state.ts';
import { CommandError } from './command-error.ts';
import {
  fieldOf,
  flagOf,
  isName,
  isObject,
  type JsonObject,
  priorityOf,
  textOf,
} from './fields.ts';

/** Entries of one role: all of them are looked at where somebody with the role connects. */
export const ROLE_ENTRIES_MAX = 10_000;

export function aclTypeOf(text: string): AclType | null {
  const wanted = text.toLowerCase();
  return ACL_TYPES.find((type) => type.toLowerCase() === wanted) ?? null;
}

/** @throws {CommandError} unless it is a topic filter */
export function checkTopic(topic: string): string {
  if (!isName(topic)) throw new CommandError('Topic not valid UTF-8');
  if (!isValidTopicFilter(topic)) throw new CommandError('Invalid ACL topic');
  return topic;
}

/**
 * Entries with one more, in the order of falling priority; of the same priority, the one that came first goes first.
 *
 * @returns null when there is one for the topic
 */
export function withEntry(entries: readonly AclEntry[], entry: AclEntry): AclEntry[] | null {
  if (entries.some(({ topic }) => topic === entry.topic)) return null;
  const at = entries.findIndex(({ priority }) => priority < entry.priority);
  return entries.toSpliced(at === -1 ? entries.length : at, 0, entry);
}

export function entryOf(object: JsonObject, topic: string): AclEntry {
  return { topic, priority: priorityOf(object, 0), isAllowed: flagOf(object, 'allow', false) };
}

/**
 * The `acls` of a role. Entries of an unknown type, without a topic, or for a topic that there is already are passed over, as
 * mosquitto does.
 *
 * @returns null when there is no such list
 * @throws {CommandError} when a topic is no topic filter, or there are too many
 */
export function readEntries(object: JsonObject): Map<AclType, readonly AclEntry[]> | null {
  const list = fieldOf(object, 'acls');
  if (!Array.isArray(list)) return null;
  if (list.length > ROLE_ENTRIES_MAX) throw new CommandError('Too many ACLs');
  const seen = new Set<string>();
  const all = new Map<AclType, AclEntry[]>();
  for (const item of list) {
    if (!isObject(item)) continue;
    const type = aclTypeOf(textOf(item, 'acltype') ?? '');
    const topic = textOf(item, 'topic') ?? '';
    if (type === null || topic === '' || seen.has(`${type} ${topic}`)) continue;
    seen.add(`${type} ${topic}`);
    const entries = all.get(type);
    const entry = entryOf(item, checkTopic(topic));
    if (entries === undefined) all.set(type, [entry]);
    else entries.push(entry);
  }
  // Of the same priority, the one that came first goes first: the sort is stable.
  for (const entries of all.values()) entries.sort((a, b) => b.priority - a.priority);
  return all;
}

/** As `readEntries` reads them. */
export function shownEntries({ entries }: Role): JsonObject[] {
  return ACL_TYPES.flatMap((acltype) =>
    (entries.get(acltype) ?? []).map(({ topic, priority, isAllowed }) => ({
      acltype,
      topic,
      priority,
      allow: isAllowed,
    })),
  );
}
