import { statSync } from 'node:fs';
import type { LinkTls } from '@promptmq/cluster';
import { type Config, ConfigError } from '../../config/index.ts';
import { loadTlsFiles, type TlsFiles } from '../../listeners/tls/tls-files.ts';
import type { Logger } from '../../log/index.ts';

const SECTION = 'cluster.tls';

type ClusterTls = Config['cluster']['tls'];

interface Paths {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * The certificates of the links of a process. Files that have changed are read for the next link; links that there are stay as they are.
 */
export class LinkCertificates {
  readonly #paths: Paths;
  readonly #log: Logger;
  readonly #warnMs: number;
  #seen: string;
  #current: LinkTls;

  private constructor(paths: Paths, log: Logger, warnMs: number) {
    this.#paths = paths;
    this.#log = log;
    this.#warnMs = warnMs;
    this.#seen = stateOf(paths);
    this.#current = this.#read();
  }

  /**
   * @returns null where links have none
   * @throws {ConfigError} when they can't be used
   */
  static of({ cluster, server }: Config, log: Logger): LinkCertificates | null {
    const paths = pathsOf(cluster.tls);
    return paths === null ? null : new LinkCertificates(paths, log, server.tls.expiryWarning);
  }

  /** Another object when they were read again. */
  get current(): LinkTls {
    const seen = stateOf(this.#paths);
    if (seen === this.#seen) return this.#current;
    this.#seen = seen;
    try {
      this.#current = this.#read();
      this.#log.info('link-certificates-read');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const { key, source, message } of error.problems) {
        this.#log.error('config-refused', { cause: 'file', key, source, why: message });
      }
    }
    return this.#current;
  }

  #read(): LinkTls {
    const { cert, key, ca } = this.#paths;
    const files = loadTlsFiles({
      section: SECTION,
      certificates: [{ section: SECTION, cert, key, passphrase: '', hosts: [] }],
      ...{ ca, crl: null, pskFile: null, clientCertificates: 'require' },
      ...{ minVersion: 'TLSv1.2', ciphers: '', alpn: [] },
    });
    this.#warn(files);
    const { options } = files.identities[0] as TlsFiles['identities'][number];
    return { cert: `${options.cert}`, key: `${options.key}`, ca: `${options.ca}` };
  }

  #warn(files: TlsFiles): void {
    for (const { key, source, message } of files.warningsAt(Date.now(), this.#warnMs)) {
      this.#log.warn('certificate-unfit', { key, source, why: message });
    }
  }
}

function pathsOf({ cert, key, ca }: ClusterTls): Paths | null {
  return cert === null || key === null || ca === null ? null : { cert, key, ca };
}

/** Another text when one of the files is another one. */
function stateOf({ cert, key, ca }: Paths): string {
  return [cert, key, ca]
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeMs}`;
    })
    .join();
}
