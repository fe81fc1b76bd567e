import type { Identity } from './acl-rule.ts';

/** What stands for something of the client, in a topic filter of a rule. */
const PLACEHOLDER = /%[uc]|\$\{([^{}/]*)\}/g;

/** Filters that one filter with placeholders may become: a client may be in several groups. */
const FILTERS_MAX = 1000;

const SUBJECT_FIELDS: Readonly<Record<string, string>> = {
  cn: 'CN',
  ou: 'OU',
  o: 'O',
  c: 'C',
  l: 'L',
  st: 'ST',
  email: 'emailAddress',
  serial: 'serialNumber',
};

/** Names other than those of attributes, and what they stand for: several values where a client has several. */
const VALUES: Readonly<Record<string, (identity: Identity) => readonly (string | null)[]>> = {
  username: ({ userName }) => [userName],
  clientid: ({ clientId }) => [clientId],
  peerhost: ({ address }) => [address ?? null],
  group: ({ groups }) => groups ?? [],
  role: ({ roles }) => roles ?? [],
  cert_common_name: (identity) => subjectOf(identity, 'CN'),
  'cert.san': ({ certificate }) => certificate?.subjectAltNames.map(withoutKind) ?? [],
};

const ATTRIBUTE = /^(?:attrs|client_attrs)\.(.+)$/;

/** Whether a filter has to be made for each client. */
export function hasPlaceholder(filter: string): boolean {
  return filter.search(PLACEHOLDER) !== -1;
}

/**
 * What is wrong with the placeholders of a filter, in words; null when nothing is. There are `%u`, `%c`, `${username}`, `${clientid}`,
 * `${peerhost}` (the address), `${group}` and `${role}` (a filter for each), `${cert.cn}` and `ou`, `o`, `c`, `l`, `st`, `email`,
 * `serial`, `${cert.san}` (a filter for each name), `${cert_common_name}`, and `${attrs.NAME}` or `${client_attrs.NAME}`.
 */
export function placeholderFault(filter: string): string | null {
  for (const [text, name] of filter.matchAll(PLACEHOLDER)) {
    if (name !== undefined && valuesOf(name) === null) {
      return `${text} stands for nothing; there are %u, %c, \${username}, \${clientid}, \${peerhost}, \${group}, \${role}, \${cert.cn} and other fields of the subject, \${cert.san} and \${attrs.NAME}`;
    }
  }
  return null;
}

/**
 * The filters that a filter with placeholders is for a client. A value never widens a filter that allows: see `AclFilter`. In a
 * filter that denies, a value with `/` in it stands as it is, and one that is missing or has wildcards takes the filter away: there
 * is no topic of that name.
 */
export function filled(filter: string, identity: Identity, isAllowing: boolean): string[] {
  let begun: string[] = [''];
  let end = 0;
  for (const match of filter.matchAll(PLACEHOLDER)) {
    const [text] = match;
    const before = filter.slice(end, match.index);
    end = match.index + text.length;
    const values = valuesFor(text, match[1], identity).filter((value): value is string =>
      isUsable(value, isAllowing, begunEmpty(before, match.index)),
    );
    begun = begun.flatMap((begin) => values.map((value) => begin + before + value));
    if (begun.length > FILTERS_MAX) begun.length = FILTERS_MAX;
  }
  return begun.map((begin) => begin + filter.slice(end));
}

/** Whether a value would be what the filter begins with. */
function begunEmpty(before: string, index: number): boolean {
  return before === '' && index === 0;
}

function isUsable(value: string | null, isAllowing: boolean, isFirst: boolean): boolean {
  if (value === null || /[+#\0]/.test(value)) return false;
  if (!isAllowing) return true;
  return value !== '' && !value.includes('/') && !(isFirst && value.startsWith('$'));
}

function valuesFor(
  text: string,
  name: string | undefined,
  identity: Identity,
): readonly (string | null)[] {
  if (text === '%u') return [identity.userName];
  if (text === '%c') return [identity.clientId];
  return valuesOf(name as string)?.(identity) ?? [];
}

/** What gives the values of a placeholder; null when there is none of the name. */
function valuesOf(name: string): ((identity: Identity) => readonly (string | null)[]) | null {
  const attribute = ATTRIBUTE.exec(name)?.[1];
  if (attribute !== undefined) return ({ attributes }) => [own(attributes, attribute)];
  const field = name.startsWith('cert.') ? own(SUBJECT_FIELDS, name.slice(5)) : null;
  if (field !== null) return (identity) => subjectOf(identity, field);
  return Object.hasOwn(VALUES, name) ? (VALUES[name] ?? null) : null;
}

function subjectOf({ certificate }: Identity, field: string): readonly (string | null)[] {
  return [own(certificate?.subject, field)];
}

/** A client may name what every object has. */
function own(record: Readonly<Record<string, string>> | undefined, name: string): string | null {
  return record !== undefined && Object.hasOwn(record, name) ? (record[name] ?? null) : null;
}

/** Names of certificates may say of which kind they are, as in `DNS:example.org`. */
function withoutKind(name: string): string {
  return name.replace(/^(?:DNS|URI|email|IP Address):/, '');
}
