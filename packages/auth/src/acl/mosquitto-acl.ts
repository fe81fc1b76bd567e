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

/**
 * Whether a text looks like an ACL file of mosquitto: its first line that says something begins with one of its words, and some line
 * is a rule.
 */
export function isMosquittoAcl(text: string): boolean {
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#'));
  if (first === undefined || !/^[ \t]*(?:user|topic|pattern)[ \t]+\S/.test(first)) return false;
  return /^[ \t]*(?:topic|pattern)[ \t]+\S/m.test(text);
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
  const reader = new Reader(source);
  for (const [index, line] of text.split('\n').entries()) {
    if (reader.problems.length >= PROBLEMS_MAX) break;
    if (!line.startsWith('#') && line.trim() !== '') reader.read(index + 1, line);
  }
  return reader;
}

class Reader {
  readonly rules: AclRule[];
  readonly problems: MosquittoAclProblem[];
  readonly #source: string;
  #user: string | null;
  #line: number;

  constructor(source: string) {
    this.#source = source;
    this.rules = [
      {
        permission: 'allow',
        actions: ['subscribe'],
        filters: null,
        source: `${source}: as in mosquitto`,
      },
    ];
    this.problems = [];
    this.#user = null;
    this.#line = 0;
  }

  read(number: number, line: string): void {
    this.#line = number;
    const [, indent = '', word = '', space = '', rest = ''] =
      /^([ \t]*)(\S+)([ \t]*)(.*?)\s*$/.exec(line) ?? [];
    const column = indent.length + word.length + space.length + 1;
    if (word === 'user') this.#readUser(rest, column);
    else if (word === 'topic' || word === 'pattern') this.#readRule(word, rest, column);
    else this.#note(indent.length + 1, 'a line begins with user, topic, pattern or #');
  }

  #readUser(name: string, column: number): void {
    if (name === '') this.#note(column, 'it takes a user name: user NAME');
    if (name.endsWith('*')) {
      this.#note(column, 'a user name with * at its end would be many names here');
    }
    this.#user = name;
  }

  #readRule(word: 'topic' | 'pattern', rest: string, begin: number): void {
    const whole = /^(read|write|readwrite|deny)[ \t]+(.*)$/.exec(rest);
    const access = whole?.[1] ?? 'readwrite';
    const filter = whole?.[2] ?? rest;
    const column = begin + rest.length - filter.length;
    // As there: with spaces in it, a filter needs its access, or a word of it would be taken for one.
    if (topicFilterFault(filter) !== null || (whole === null && /[ \t]/.test(filter))) {
      this.#note(column, `it takes a topic filter: ${word} [read|write|readwrite|deny] FILTER`);
      return;
    }
    const isPattern = word === 'pattern';
    if (filter.includes('${') || (!isPattern && /%[uc]/.test(filter))) {
      this.#note(column, NO_NAMES);
      return;
    }
    const isForAnonymous = !isPattern && this.#user === null;
    this.rules.push({
      permission: access === 'deny' ? 'deny' : 'allow',
      users: isPattern || this.#user === null ? null : [this.#user],
      isAnonymous: isForAnonymous,
      actions: ACTIONS[access] as readonly AclAction[],
      filters: [{ filter }],
      rank: isPattern ? 0 : USER_RANK,
      source: `${this.#source}:${this.#line}`,
    });
  }

  #note(column: number, message: string): void {
    this.problems.push({ line: this.#line, column, message });
  }
}

const NO_NAMES =
  'names are only put in after pattern, as %u and %c: what stands here means itself in mosquitto';
