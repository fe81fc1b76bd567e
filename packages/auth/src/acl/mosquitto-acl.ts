import { topicFilterFault } from '@promptmq/topics';
import type { AclAction, AclRule } from './acl-rule.ts';

/** What is wrong with a line of an ACL file of mosquitto. */
export interface MosquittoAclProblem {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  readonly message: string;
}

const ACTIONS: Readonly<Record<string, readonly AclAction[]>> = {
  read: ['receive'],
  write: ['publish'],
  readwrite: ['publish', 'receive'],
  deny: ['publish', 'receive'],
};

/** What is said of one user goes before what `pattern` says of all. */
const USER_RANK = 1;

/** At most this many problems are reported. */
const PROBLEMS_MAX = 20;

/** Whether a text looks like an ACL file of mosquitto: each line that says something begins with one of its words. */
export function isMosquittoAcl(text: string): boolean {
  let isOne = false;
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    if (/^[ \t]*(?:topic|pattern)[ \t]+\S/.test(line)) isOne = true;
    else if (!/^[ \t]*user[ \t]+\S/.test(line)) return false;
  }
  return isOne;
}

/**
 * Reads the rules of an ACL file of mosquitto: lines `topic [read|write|readwrite|deny] FILTER`, for clients without a user name
 * before the first `user NAME` and then for that user; and `pattern [read|write|readwrite|deny] FILTER` for everyone, with `%u` and `%c`.
 * As there, every SUBSCRIBE is granted and what it brings is filtered.
 *
 * @param source - the name of the file, for the sources of the rules
 */
export function parseMosquittoAcl(
  text: string,
  source: string,
): { readonly rules: readonly AclRule[]; readonly problems: readonly MosquittoAclProblem[] } {
  const problems: MosquittoAclProblem[] = [];
  const rules: AclRule[] = [
    {
      permission: 'allow',
      actions: ['subscribe'],
      filters: null,
      source: `${source}: as in mosquitto`,
    },
  ];
  let user: string | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    if (problems.length >= PROBLEMS_MAX) break;
    if (line.startsWith('#') || line.trim() === '') continue;
    const words = /^([ \t]*)(\S+)([ \t]*)(.*?)\s*$/.exec(line);
    const [, indent = '', word = '', space = '', rest = ''] = words ?? [];
    const at = indent.length + word.length + space.length + 1;
    const note = (column: number, message: string) => {
      problems.push({ line: index + 1, column, message });
    };
    if (word === 'user') {
      if (rest === '') note(at, 'it takes a user name: user NAME');
      else if (rest.endsWith('*'))
        note(at, 'a user name with * at its end would be many names here');
      user = rest;
    } else if (word === 'topic' || word === 'pattern') {
      const whole = /^(read|write|readwrite|deny)[ \t]+(.*)$/.exec(rest);
      const access = whole?.[1] ?? 'readwrite';
      const filter = whole?.[2] ?? rest;
      const column = at + rest.length - filter.length;
      if (topicFilterFault(filter) !== null) {
        note(column, `it takes a topic filter: ${word} [read|write|readwrite|deny] FILTER`);
        continue;
      }
      const isPattern = word === 'pattern';
      if (filter.includes('${') || (!isPattern && /%[uc]/.test(filter))) {
        note(
          column,
          'names are only put in after pattern, as %u and %c: what stands here means itself in mosquitto',
        );
        continue;
      }
      rules.push({
        permission: access === 'deny' ? 'deny' : 'allow',
        ...(isPattern ? {} : user === null ? { isAnonymous: true } : { users: [user] }),
        actions: ACTIONS[access] as readonly AclAction[],
        filters: [{ filter }],
        rank: isPattern ? 0 : USER_RANK,
        source: `${source}:${index + 1}`,
      });
    } else {
      note(indent.length + 1, 'a line begins with user, topic, pattern or #');
    }
  }
  return { rules, problems };
}
