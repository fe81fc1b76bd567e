import {
  type ControlOutcome,
  type ControlRequest,
  type DocumentChange,
  DynamicSecurity,
  HashThreads,
} from '@promptmq/auth';
import type { Peer } from '../connection/peer.ts';
import type { Asker, LiveAnswer } from './asking.ts';
import type { ConnectedUser, LiveUsersHost, UsersElsewhere } from './host.ts';

/** Documents of users, groups and roles have this before their keys. */
const KEY_PREFIX = 'dynamic/';

const FULL = 'The disk is full';
const NOT_KEPT = 'The disk is full: it holds until the broker is restarted';

/**
 * Users, groups and roles that are changed while the broker runs, kept in the log. Requests are carried out one after the other; what one
 * changes holds at once, and is answered when it is committed.
 */
export class LiveUsers {
  readonly security: DynamicSecurity;
  readonly #host: LiveUsersHost;
  /** Who is connected, while a request is carried out that asks for it. */
  #connected: ReadonlyMap<string, readonly ConnectedUser[]> | null;
  /** Made when the first password is to be hashed. */
  #threads: HashThreads | null;
  /** The request that was asked for last. */
  #last: Promise<unknown>;
  #isStopped: boolean;
  /** Null where this process is the whole broker. */
  others: UsersElsewhere | null;
  /** Of clients whose requests all processes carry out, by client identifier: a client has one at a time. */
  readonly #asking: Map<string, Peer>;

  constructor(host: LiveUsersHost) {
    this.#host = host;
    this.security = new DynamicSecurity({
      addressesOf: (userName, clientId) => this.#addressesOf(userName, clientId),
    });
    this.#connected = null;
    this.#threads = null;
    this.#last = Promise.resolve();
    this.#isStopped = false;
    this.others = null;
    this.#asking = new Map();
  }

  /**
   * Takes up what the log holds.
   *
   * @throws {Error} when it can't be read: nobody may be let in by it then
   */
  restore(): void {
    const documents: [string, unknown][] = [];
    for (const [key, document] of this.#host.journal.documents()) {
      if (!key.startsWith(KEY_PREFIX)) continue;
      documents.push([key.slice(KEY_PREFIX.length), JSON.parse(Buffer.from(document).toString())]);
    }
    this.security.restore(documents);
  }

  /**
   * Takes over a file of mosquitto's plugin, where there is nobody yet.
   *
   * @throws {Error} when it isn't one, or there is somebody
   */
  import(text: string): void {
    const { changes, affected } = this.security.import(text);
    this.#write(changes);
    const { clients, groups, roles } = this.security.state;
    const counts = { users: clients.size, groups: groups.size, roles: roles.size };
    this.#host.log.info('dynamic-security-imported', counts);
    this.#host.onUsersChanged(affected, null);
  }

  /**
   * Carries out a request, in the form of mosquitto's dynamic security: `{"commands": [...]}`. Where there are other processes, all of them carry out
   * what a client asks to change, or none.
   */
  ask(payload: Uint8Array, asker: Asker): Promise<LiveAnswer> {
    const request = this.security.read(payload);
    const { others } = this;
    const { connection } = asker;
    if (others !== null && connection !== null && !request.isReadOnly) {
      return this.#askAll(others, payload, request, asker, connection);
    }
    return this.#ask(request, asker);
  }

  /** The part of this process in what a client of any of them has asked to change. */
  askHere(
    payload: Uint8Array,
    { clientId, userName }: Omit<Asker, 'connection'>,
  ): Promise<LiveAnswer> {
    const connection = this.#asking.get(clientId) ?? null;
    return this.#ask(this.security.read(payload), { clientId, userName, connection });
  }

  async #askAll(
    others: UsersElsewhere,
    payload: Uint8Array,
    request: ControlRequest,
    { clientId, userName }: Asker,
    connection: Peer,
  ): Promise<LiveAnswer> {
    this.#asking.set(clientId, connection);
    try {
      const response = await others.change(payload, { clientId, userName });
      return { response, affected: null };
    } catch (error) {
      const why = (error as Error).message;
      this.#host.log.warn('dynamic-security-not-everywhere', { clientId, user: userName, why });
      return { response: this.security.refuse(request, why), affected: null };
    } finally {
      if (this.#asking.get(clientId) === connection) this.#asking.delete(clientId);
    }
  }

  #ask(request: ControlRequest, asker: Asker): Promise<LiveAnswer> {
    const answer = this.#last.then(() => this.#carryOut(request, asker));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #carryOut(request: ControlRequest, asker: Asker): Promise<LiveAnswer> {
    const hashes = await this.#hash(request.passwords);
    const { journal } = this.#host;
    if (!request.isReadOnly && !journal.isOpen) {
      return { response: this.security.refuse(request, FULL), affected: NOBODY };
    }
    const { response, changes, affected, reports } = this.security.carryOut(request, hashes);
    this.#connected = null;
    this.#write(changes);
    this.#report(reports, asker);
    if (affected === null || affected.size > 0) {
      this.#host.onUsersChanged(affected, asker.connection);
    }
    const isKept = changes.length === 0 || (await this.#committed());
    return { response: isKept ? response : this.security.refuse(request, NOT_KEPT), affected };
  }

  #addressesOf(userName: string, clientId: string | null): string[] {
    this.#connected ??= this.#host.connectedUsers();
    return (this.#connected.get(userName) ?? [])
      .filter((one) => clientId === null || one.clientId === clientId)
      .map(({ address }) => address);
  }

  /** In threads of their own: the loop is never held up. */
  async #hash(passwords: readonly string[]): Promise<Map<string, string>> {
    const hashes = new Map<string, string>();
    for (const password of passwords) {
      if (this.#isStopped) throw new Error('the broker stops');
      this.#threads ??= new HashThreads();
      hashes.set(password, await this.#threads.hash(Buffer.from(password)));
    }
    return hashes;
  }

  #write(changes: readonly DocumentChange[]): void {
    const { journal } = this.#host;
    for (const [key, document] of changes) {
      const bytes = document === null ? null : Buffer.from(JSON.stringify(document));
      journal.writeDocument(`${KEY_PREFIX}${key}`, bytes);
    }
  }

  /** @returns false when the disk has refused it */
  #committed(): Promise<boolean> {
    const { journal } = this.#host;
    return new Promise((resolve) => {
      journal.whenCommitted({
        position: journal.lastPosition,
        onCommitted: () => resolve(true),
        onRefused: () => resolve(false),
      });
    });
  }

  #report(reports: ControlOutcome['reports'], { clientId, userName }: Asker): void {
    const { stats, log } = this.#host;
    for (const { command, subject, error } of reports) {
      if (error === null) stats.controlCommands++;
      else stats.controlCommandsRefused++;
      const failure = error === null ? {} : { error };
      const [what, whom] = [shortened(command), shortened(subject)];
      const fields = { clientId, user: userName, command: what, subject: whom, ...failure };
      if (/^(get|list)/i.test(command)) log.debug('dynamic-security-read', fields);
      else log.info('dynamic-security', fields);
    }
  }

  /** The broker stops: resolves when no thread is left. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#threads?.close();
  }
}

const NOBODY: ReadonlySet<string | null> = new Set();

/** Of what somebody has sent, for the log: names that are none can be as long as a packet. */
const NAME_LENGTH_MAX = 256;

function shortened(name: string): string {
  return name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX)}…` : name;
}
