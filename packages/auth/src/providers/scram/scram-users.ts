import { randomBytes } from 'node:crypto';
import { prepared } from './prepared.ts';
import { hmacOf, type ScramMethod, sizeOf } from './scram-hash.ts';
import { parseScramSecret, type ScramSecret } from './scram-secret.ts';

/** What is wrong with a line of a file of SCRAM secrets; never with what is in it. */
export interface ScramFileProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

const NEW_SALT_SIZE = 16;
const NEW_ITERATIONS = 10_000;

/** Users with what is kept of their passwords for SCRAM: for one method, or for both. */
export class ScramUsers {
  readonly #secrets: ReadonlyMap<string, ScramSecret>;
  /** By method, what users that aren't there are said to have. */
  readonly #examples: ReadonlyMap<ScramMethod, ScramSecret>;
  readonly #fakeKey: Buffer;

  /** @param secrets - by `keyOf`, in the order of the file */
  private constructor(secrets: ReadonlyMap<string, ScramSecret>) {
    this.#secrets = secrets;
    const examples = new Map<ScramMethod, ScramSecret>();
    for (const secret of secrets.values()) {
      if (!examples.has(secret.method)) examples.set(secret.method, secret);
    }
    this.#examples = examples;
    // The same after a restart, and as long as the first user stays: else salts of users that aren't there would change, and others not.
    const [first] = secrets.values();
    this.#fakeKey = first === undefined ? randomBytes(32) : Buffer.from(first.serverKey);
  }

  /**
   * Reads a file of SCRAM secrets: lines `NAME:SECRET`, as `promptmq passwd --scram` and PostgreSQL make them, one or two for each user; empty
   * lines and lines that begin with #.
   */
  static parse(text: string): {
    readonly users: ScramUsers;
    readonly problems: readonly ScramFileProblem[];
  } {
    const secrets = new Map<string, ScramSecret>();
    const problems: ScramFileProblem[] = [];
    for (const [index, content] of text.split(/\r?\n/).entries()) {
      if (content.trim() === '' || content.startsWith('#')) continue;
      const refuse = (message: string) => problems.push({ line: index + 1, message });
      const separator = content.indexOf(':');
      const name = prepared(content.slice(0, Math.max(0, separator)));
      const secret = parseScramSecret(content.slice(separator + 1).trim());
      if (separator < 1 || secret === null) {
        refuse('it takes NAME:SECRET, as promptmq passwd NAME --scram prints it');
      } else if (name === null || name === '') {
        refuse('the user name has characters that SCRAM does not allow');
      } else if (secrets.has(keyOf(name, secret.method))) {
        refuse(`user ${JSON.stringify(name)} is there twice with ${secret.method}`);
      } else {
        secrets.set(keyOf(name, secret.method), secret);
      }
    }
    return { users: new ScramUsers(secrets), problems };
  }

  get size(): number {
    return this.#secrets.size;
  }

  /** @param name - prepared */
  find(name: string, method: ScramMethod): ScramSecret | null {
    return this.#secrets.get(keyOf(name, method)) ?? null;
  }

  /**
   * What a user that isn't there is said to have: the same salt whenever it is asked about, as if it were there. No password has it.
   *
   * @param name - prepared
   */
  fake(name: string, method: ScramMethod): ScramSecret {
    const example = this.#examples.get(method);
    const salt = hmacOf('SCRAM-SHA-512', this.#fakeKey, `salt ${method} ${name}`);
    return {
      method,
      iterations: example?.iterations ?? NEW_ITERATIONS,
      salt: salt.subarray(0, Math.min(salt.length, example?.salt.length ?? NEW_SALT_SIZE)),
      storedKey: randomBytes(sizeOf(method)),
      serverKey: randomBytes(sizeOf(method)),
    };
  }
}

function keyOf(name: string, method: ScramMethod): string {
  return `${method} ${name}`;
}

/**
 * Puts a user into the text of a file of SCRAM secrets, or replaces its secrets. All other lines stay as they are.
 *
 * @param secrets - as `formatScramSecret` writes them
 */
export function putScramUser(text: string, name: string, secrets: readonly string[]): string {
  const added = secrets.map((secret) => `${name}:${secret}`);
  const lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
  const at = lines.findIndex((line) => line.startsWith(`${name}:`));
  const isOther = (line: string) => !line.startsWith(`${name}:`);
  const before = (at < 0 ? lines : lines.slice(0, at)).filter(isOther);
  const after = at < 0 ? [] : lines.slice(at).filter(isOther);
  return `${[...before, ...added, ...after].join('\n')}\n`;
}
