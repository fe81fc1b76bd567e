import { Acl } from '../acl/acl.ts';
import type { CommandTools } from './commands/command.ts';
import {
  type CommandReport,
  type ControlRequest,
  carryOut,
  readRequest,
  refuseAll,
} from './commands/request.ts';
import {
  type DocumentChange,
  documentOf,
  importWhole,
  restoreDocuments,
  wholeDocument,
} from './documents.ts';
import { DynamicPasswords } from './dynamic-passwords.ts';
import { rulesOf, rulesOfOthers } from './rules.ts';
import { type Client, DynamicState } from './state.ts';

/** Users, groups and roles that there may be together, where nothing else is said: some 100 MB. */
const OBJECTS_MAX = 100_000;

/** Users whose rules are kept as they are asked. */
const ACLS_MAX = 1000;

export interface DynamicSecurityOptions {
  /** Users, groups and roles that there may be together; 100,000 by default. */
  readonly objectsMax?: number;
  /**
   * From where clients of a user are connected, for those who ask for it; nobody by default.
   *
   * @param clientId - the only one that counts; null for all
   */
  readonly addressesOf?: (userName: string, clientId: string | null) => readonly string[];
}

/** What became of a request. */
export interface ControlOutcome {
  /** What is answered: `{"responses": [...]}`. */
  readonly response: string;
  /** What is to be kept of it, before the answer is given. */
  readonly changes: readonly DocumentChange[];
  /** User names for which something may be different now, null among them for clients without one; null for everyone. */
  readonly affected: ReadonlySet<string | null> | null;
  /** For logs; without secrets. */
  readonly reports: readonly CommandReport[];
}

/**
 * Users, groups and roles that are changed while a broker runs, by the commands of mosquitto's dynamic security plugin
 * (`$CONTROL/dynamic-security/v1`). It does no I/O: whoever has it keeps what changes, and gives it back at the next start.
 */
export class DynamicSecurity {
  readonly #state: DynamicState;
  /** For those who check them. */
  readonly passwords: DynamicPasswords;
  /** By user name, null for clients without one; the ones asked for last are at the end. */
  readonly #acls: Map<string | null, Acl>;
  readonly #objectsMax: number;
  readonly #addressesOf: CommandTools['addressesOf'];

  constructor({ objectsMax = OBJECTS_MAX, addressesOf = () => [] }: DynamicSecurityOptions = {}) {
    this.#state = new DynamicState();
    this.passwords = new DynamicPasswords();
    this.#acls = new Map();
    this.#objectsMax = objectsMax;
    this.#addressesOf = addressesOf;
  }

  /** What it is made of, to be read only. */
  get state(): DynamicState {
    return this.#state;
  }

  /** Whether there is nobody and nothing yet. */
  get isEmpty(): boolean {
    return this.#state.objectCount === 0;
  }

  /**
   * Gives back what was kept; to be called once, before anything else.
   *
   * @param documents - all `changes` that were kept, the last one of each key; keys of which nothing is left may be missing
   * @throws {Error} when a document isn't what it has to be: nobody may be let in then
   */
  restore(documents: Iterable<readonly [key: string, document: unknown]>): void {
    restoreDocuments(this.#state, documents);
    for (const { userName, password } of this.#state.clients.values()) {
      this.passwords.set(userName, password);
    }
  }

  /**
   * Takes over a file of mosquitto's plugin, `dynamic-security.json`, while `isEmpty`.
   *
   * @throws {Error} when it isn't one, or there is something already; nothing has changed then
   */
  import(text: string): Omit<ControlOutcome, 'response'> {
    if (!this.isEmpty) throw new Error('there are users, groups or roles already');
    // Whatever is wrong is found out before anything is changed.
    importWhole(new DynamicState(), text);
    importWhole(this.#state, text);
    return { ...this.#takeChanges(), reports: [] };
  }

  /** All of it as JSON, in the form of mosquitto's file. */
  export(): string {
    return `${JSON.stringify(wholeDocument(this.#state), null, 2)}\n`;
  }

  /** Reads a request; nothing is changed yet. `passwords` of what it returns are to be hashed before `carryOut`. */
  read(payload: Uint8Array): ControlRequest {
    return readRequest(payload);
  }

  /**
   * Carries out what was asked for, in one turn.
   *
   * @param hashes - of each of `request.passwords`: how it is kept, as in a password file
   */
  carryOut(request: ControlRequest, hashes: ReadonlyMap<string, string>): ControlOutcome {
    const { responses, reports } = carryOut(this.#state, request, {
      objectsMax: this.#objectsMax,
      addressesOf: this.#addressesOf,
      hashOf: (password) => {
        const hash = hashes.get(password);
        if (hash === undefined) throw new Error('a password was not hashed');
        return hash;
      },
    });
    return { response: JSON.stringify({ responses }), ...this.#takeChanges(), reports };
  }

  /**
   * What is answered where nothing is carried out, or nobody can say that it will last.
   *
   * @param error - for each command
   */
  refuse(request: ControlRequest, error: string): string {
    return JSON.stringify({ responses: refuseAll(request, error) });
  }

  #takeChanges(): Pick<ControlOutcome, 'changes' | 'affected'> {
    const state = this.#state;
    const changes = state.takeChanged().map((key): DocumentChange => [key, documentOf(state, key)]);
    for (const [key] of changes) {
      if (!key.startsWith('client/')) continue;
      const userName = key.slice('client/'.length);
      this.passwords.set(userName, state.clients.get(userName)?.password ?? null);
    }
    const affected = state.takeAffected();
    if (affected === null) this.#acls.clear();
    else for (const userName of affected) this.#acls.delete(userName);
    return { changes, affected };
  }

  /**
   * The access rules of a user, or of clients without one, as they are now.
   *
   * @param userName - null for clients without one
   */
  aclOf(userName: string | null): Acl {
    let acl = this.#acls.get(userName);
    if (acl === undefined) {
      const rules = rulesOf(this.#state, userName);
      if (rules === null) return OF_OTHERS;
      acl = new Acl(rules);
    } else {
      this.#acls.delete(userName);
    }
    this.#acls.set(userName, acl);
    if (this.#acls.size > ACLS_MAX) {
      const [oldest] = this.#acls.keys();
      this.#acls.delete(oldest as string | null);
    }
    return acl;
  }

  /** A user; null when there is none of that name. */
  client(userName: string): Readonly<Client> | null {
    return this.#state.clients.get(userName) ?? null;
  }
}

/** Of whoever isn't known here: what is no request is neither allowed nor denied. */
const OF_OTHERS = new Acl(rulesOfOthers());
