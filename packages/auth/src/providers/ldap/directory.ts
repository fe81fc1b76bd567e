import { isIP, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Client, Entry, SearchOptions } from 'ldapts';
import { ProviderOptionError } from '../option-error.ts';
import { HostLookup } from '../web/host-lookup.ts';

/** How long a connection is kept that nobody uses, in milliseconds: what lies between may forget it after minutes. */
const IDLE_MS = 30_000;

export interface DirectoryOptions {
  readonly url: string;
  readonly usesStartTls: boolean;
  readonly ca: Buffer | null;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Where a directory is, and how connections to it are made. */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #host: string;
  readonly #lookup: HostLookup;

  /** @throws {ProviderOptionError} */
  constructor(options: DirectoryOptions) {
    const url = URL.canParse(options.url) ? new URL(options.url) : null;
    if (url === null || (url.protocol !== 'ldap:' && url.protocol !== 'ldaps:') || !url.hostname) {
      throw new ProviderOptionError('url', 'it takes a URL such as ldaps://ldap.example:636');
    }
    if (url.username !== '' || url.password !== '' || !/^\/?$/.test(url.pathname + url.search)) {
      throw new ProviderOptionError('url', 'it has a host and a port, and nothing else');
    }
    if (url.hostname.startsWith('[')) {
      throw new ProviderOptionError('url', 'an address of IPv6 is not taken; give its name');
    }
    if (options.usesStartTls && url.protocol === 'ldaps:') {
      throw new ProviderOptionError('starttls', 'it goes with ldap://; ldaps:// is TLS already');
    }
    if (options.ca !== null && url.protocol === 'ldap:' && !options.usesStartTls) {
      throw new ProviderOptionError('ca', 'it goes with ldaps:// or starttls: true');
    }
    this.#options = options;
    this.#host = url.hostname;
    this.#lookup = new HostLookup();
  }

  /** A connection that is yet to be made: by its `connect`. */
  async open(): Promise<DirectoryConnection> {
    const { Client: LdapClient, ResultCodeError } = await import('ldapts');
    const { url, usesStartTls, ca, timeout } = this.#options;
    const tls: ConnectionOptions = ca === null ? {} : { ca };
    const client = new LdapClient({
      url,
      timeout,
      connectTimeout: timeout,
      ...(url.startsWith('ldaps:') ? { tlsOptions: tls } : {}),
    });
    const name = isIP(this.#host) === 0 ? { servername: this.#host } : {};
    return new DirectoryConnection(client, {
      isRefusal: (error) => error instanceof ResultCodeError,
      find: () => this.#find(),
      startTls: usesStartTls ? { ...tls, host: this.#host, ...name } : null,
    });
  }

  /** Looks its host up: without an address, nothing that would keep more than one thread waiting is begun. */
  #find(): Promise<void> {
    if (isIP(this.#host) !== 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#lookup.lookup(this.#host, { all: true }, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}

interface ConnectionParts {
  /** Whether an error is the directory's answer. */
  readonly isRefusal: (error: unknown) => boolean;
  /** Looks the host up. */
  readonly find: () => Promise<void>;
  /** How it is encrypted after it was made; null: it isn't, or was from the beginning. The library puts the socket into it. */
  readonly startTls: ConnectionOptions | null;
}

/**
 * One connection to a directory, which one at a time uses. Whatever fails on it but by an answer of the directory has it closed: the library
 * would open another one on its own, neither bound nor encrypted.
 */
export class DirectoryConnection {
  readonly #client: Client;
  readonly #parts: ConnectionParts;
  #wasMade: boolean;
  #isClosed: boolean;
  #usedAt: number;
  /** Ends what is under way; null while nothing is. */
  #giveUp: ((error: Error) => void) | null;

  constructor(client: Client, parts: ConnectionParts) {
    this.#client = client;
    this.#parts = parts;
    this.#wasMade = false;
    this.#isClosed = false;
    this.#usedAt = performance.now();
    this.#giveUp = null;
  }

  /** Whether it was made and can be used, as far as is known. */
  get isOpen(): boolean {
    if (this.#isClosed || !this.#wasMade || !this.#client.isConnected) return false;
    if (performance.now() - this.#usedAt > IDLE_MS) return false;
    // After STARTTLS the library doesn't notice that the connection has ended.
    const { startTls } = this.#parts;
    return startTls === null || (startTls.socket as Socket | undefined)?.destroyed === false;
  }

  /** Makes it, and encrypts it where it has to be: then nobody is bound to it. Without STARTTLS, it is made when somebody binds. */
  async connect(): Promise<void> {
    await this.#parts.find();
    const { startTls } = this.#parts;
    if (startTls === null) return;
    await this.#watched(() => this.#client.startTLS(startTls));
    this.#wasMade = true;
  }

  /**
   * Proves to be somebody (RFC 4513, 5.1.3).
   *
   * @param password - not empty: without one, a directory says yes to anybody (RFC 4513, 5.1.2)
   * @returns whether the directory says that it is so
   */
  async bind(dn: string, password: string): Promise<boolean> {
    // Neither nobody, nor one of the names by which the library chooses another mechanism.
    if (password === '' || !/[=@\\]/.test(dn)) throw new Error('a bind without a name or password');
    try {
      await this.#use(() => this.#client.bind(dn, password));
      return true;
    } catch (error) {
      if (this.#parts.isRefusal(error) && isDenied(error)) return false;
      throw error;
    }
  }

  /** Entries that match. */
  async search(baseDn: string, options: SearchOptions): Promise<readonly Entry[]> {
    return (await this.#use(() => this.#client.search(baseDn, options))).searchEntries;
  }

  close(): void {
    this.#isClosed = true;
    const socket = this.#parts.startTls?.socket as Socket | undefined;
    // The library would wait for an answer of a connection that has ended.
    if (socket?.destroyed !== true) this.#client.unbind().catch(() => {});
    socket?.destroy();
    this.#giveUp?.(new Error('the connection to the directory was closed'));
  }

  async #use<T>(action: () => Promise<T>): Promise<T> {
    // The first that is done makes it.
    if (this.#wasMade && !this.isOpen) throw new Error('the connection to the directory has ended');
    if (!this.#wasMade && this.#parts.startTls !== null) throw new Error('it was not encrypted');
    const result = await this.#watched(action);
    this.#wasMade = true;
    return result;
  }

  async #watched<T>(action: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error('the connection to the directory was closed');
    try {
      return await new Promise<T>((resolve, reject) => {
        // The library never settles what it is told to end while it connects.
        this.#giveUp = reject;
        action().then(resolve, reject);
      });
    } catch (error) {
      if (this.#parts.isRefusal(error)) this.#wasMade = true;
      else this.close();
      throw error;
    } finally {
      this.#giveUp = null;
      this.#usedAt = performance.now();
    }
  }
}

/** Of a bind: the name or password is wrong, or may not be used (RFC 4511, appendix A). */
const DENIALS: ReadonlySet<unknown> = new Set([
  32, // noSuchObject
  34, // invalidDNSyntax
  48, // inappropriateAuthentication
  49, // invalidCredentials
  50, // insufficientAccessRights
]);

function isDenied(error: unknown): boolean {
  return DENIALS.has((error as { code?: unknown }).code);
}
