import type { Broker } from '../../broker.ts';
import type { Asker } from '../../security/asking.ts';
import { Arguments, shown } from '../calls/arguments.ts';
import { committed } from '../calls/committed.ts';
import { EmbedError } from '../calls/embed-error.ts';

/** A command of mosquitto's dynamic security, such as `{ command: 'createClient', username: 'alice', password: '…' }`. */
export type UserCommand = Readonly<Record<string, unknown>>;

/** What came of one: `data` where it asks for something, `error` where it wasn't carried out. */
export interface UserCommandAnswer {
  readonly command: string;
  readonly error?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly correlationData?: string;
}

/** Users, groups and roles that are changed while the broker runs, and kept in the log (`auth.chain`: `dynamic-security`). */
export interface BrokerUsers {
  /**
   * Carries out commands, one after the other: those of mosquitto's dynamic security, which clients publish to
   * `$CONTROL/dynamic-security/v1`. Resolves when what they change is committed; it holds from the moment in which it is done.
   *
   * @returns an answer for each: that one is refused is said in its `error`
   * @throws {EmbedError} as a rejection, before anything happens: `invalid-argument`; `not-available` without `dynamic-security` in
   * `auth.chain`; `stopped`
   */
  ask(commands: readonly UserCommand[]): Promise<UserCommandAnswer[]>;
  /**
   * All of them as JSON, in the form of mosquitto's `dynamic-security.json`: with hashed passwords, so it is to be kept secret.
   *
   * @throws {EmbedError} `not-available`
   */
  export(): string;
  /**
   * Takes over a file of mosquitto, `dynamic-security.json`, while there is nobody yet. Resolves when it is committed.
   *
   * @throws {EmbedError} as a rejection, before anything happens: `invalid-argument`, also where somebody is there already;
   * `not-available`, `storage-full`, `stopped`
   */
  import(text: string): Promise<void>;
}

/** `BrokerUsers` of a broker. */
export class LiveBrokerUsers implements BrokerUsers {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async ask(commands: readonly UserCommand[]): Promise<UserCommandAnswer[]> {
    const args = new Arguments('users.ask');
    if (!Array.isArray(commands)) args.refuse(`commands takes a list, not ${shown(commands)}`);
    const { liveUsers } = this.#serving();
    const payload = Buffer.from(JSON.stringify({ commands }));
    const { response } = await liveUsers.ask(payload, OPERATOR);
    return (JSON.parse(response) as { responses: UserCommandAnswer[] }).responses;
  }

  export(): string {
    return this.#serving().liveUsers.security.export();
  }

  async import(text: string): Promise<void> {
    const args = new Arguments('users.import');
    args.text('text', text);
    const { liveUsers, journal } = this.#serving();
    if (!journal.isOpen) throw new EmbedError('storage-full', 'no room on the disk to write it');
    try {
      liveUsers.import(text);
    } catch (error) {
      args.refuse((error as Error).message);
    }
    await committed(journal, 'the users were taken over');
  }

  #serving(): Broker {
    const broker = this.#broker;
    if (!broker.isServing) throw new EmbedError('stopped', 'the broker has been stopped');
    if (!broker.access.hasLiveUsers) {
      const message = 'auth.chain has no dynamic-security: there are no users that can be changed';
      throw new EmbedError('not-available', message);
    }
    return broker;
  }
}

const OPERATOR: Asker = { clientId: '', userName: 'operator', connection: null };
