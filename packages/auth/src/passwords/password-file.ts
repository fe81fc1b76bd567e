import { type PasswordHash, parsePasswordHash } from './password-hash.ts';

/** What is wrong with a line of a password file; never with what is in it, which may be a password. */
export interface PasswordFileProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface PasswordFile {
  readonly users: ReadonlyMap<string, PasswordHash>;
  readonly problems: readonly PasswordFileProblem[];
}

/**
 * Reads a password file: a line `NAME:HASH` for each user, empty lines and lines that begin with #. Hashes are those that
 * promptmq passwd, mosquitto_passwd and `htpasswd -B` write.
 */
export function parsePasswordFile(text: string): PasswordFile {
  const users = new Map<string, PasswordHash>();
  const problems: PasswordFileProblem[] = [];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const entry = entryOf(content);
    if (entry === null) continue;
    const { name, hashText } = entry;
    const refuse = (message: string) => problems.push({ line: index + 1, message });
    const hash = parsePasswordHash(hashText);
    if (name === '' || hash === null) refuse(whyNotUser(hashText));
    else if (users.has(name)) refuse(`user ${JSON.stringify(name)} is there twice`);
    else users.set(name, hash);
  }
  return { users, problems };
}

/**
 * Puts a user into the text of a password file, or gives it another hash. All other lines stay as they are, with comments, order and
 * ends of lines.
 *
 * @param hash - as `hashPassword` makes it
 */
export function putUser(text: string, name: string, hash: string): string {
  const line = `${name}:${hash}`;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.split(lineEnd);
  const index = lines.findIndex((content) => entryOf(content)?.name === name);
  if (index >= 0) {
    lines[index] = line;
    return lines.join(lineEnd);
  }
  const isOpen = text !== '' && !text.endsWith(lineEnd);
  return `${text}${isOpen ? lineEnd : ''}${line}${lineEnd}`;
}

/** Takes a user out of the text of a password file; null when it isn't there. */
export function removeUser(text: string, name: string): string | null {
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.split(lineEnd);
  const kept = lines.filter((content) => entryOf(content)?.name !== name);
  return kept.length === lines.length ? null : kept.join(lineEnd);
}

/** Why a text can't be a user's name in a password file; null when it can. */
export function whyNoUserName(name: string): string | null {
  return name === '' || /[:\p{Cc}]/u.test(name) || name.startsWith('#')
    ? 'a user name has no colon and no control characters, and no # at its beginning'
    : null;
}

/** The hash as it is written, in a line that is one of a user's; null for comments and empty lines. */
function entryOf(content: string): { readonly name: string; readonly hashText: string } | null {
  if (content.trim() === '' || content.startsWith('#')) return null;
  const separator = content.indexOf(':');
  return {
    name: content.slice(0, Math.max(0, separator)),
    hashText: content.slice(separator + 1).trim(),
  };
}

function whyNotUser(hash: string): string {
  const odd = oddHash(hash);
  if (odd === null) return 'it takes NAME:HASH, as promptmq passwd NAME prints it';
  return `${odd}; the password has to be hashed again, by promptmq passwd NAME`;
}

/** What is wrong with what looks like a hash. */
function oddHash(hash: string): string | null {
  const known = /^\$(scrypt|7|6|argon2id|2[aby])\$/.exec(hash)?.[1];
  if (known !== undefined) {
    return `the $${known}$ hash is cut, of another program, or asks for more time or memory than a check may take`;
  }
  if (hash.startsWith('$argon2')) return "Argon2 hashes other than $argon2id$ can't be checked";
  if (hash.startsWith('$2x$')) return "bcrypt hashes of the broken kind $2x$ can't be checked";
  if (hash.startsWith('PBKDF2$')) return "PBKDF2 hashes of mosquitto-auth-plug can't be checked";
  if (/^\$(y|5|1|apr1)\$/.test(hash) || hash.startsWith('{SHA}')) {
    return "hashes as of /etc/shadow, or of htpasswd without -B, can't be checked";
  }
  return null;
}
