import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../../../server/test/support/free-port.ts';
import type { TemporaryFiles } from '../support/temporary-files.ts';

/** What it has of certificates, in PEM. */
export interface SlapdTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** OpenLDAP's server with a small directory, on the loopback. */
export class Slapd {
  readonly port: number;
  readonly tlsPort: number;
  /** What it has logged of its connections and operations, as far as it was read. */
  readonly log: string[] = [];
  readonly #process: ChildProcess;
  #onLine: () => void;

  private constructor(process: ChildProcess, port: number, tlsPort: number) {
    this.port = port;
    this.tlsPort = tlsPort;
    this.#process = process;
    this.#onLine = () => {};
  }

  /**
   * @param program - that runs it
   * @param ports - by default any that are free
   */
  static async start(
    program: string,
    files: TemporaryFiles,
    name: string,
    ldif: string,
    tls: SlapdTls,
    ports: { readonly port: number; readonly tlsPort: number } | null = null,
  ): Promise<Slapd> {
    const data = files.path(`${name}-data`);
    mkdirSync(data);
    const config = files.write(
      `${name}.conf`,
      `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile ${join(data, 'slapd.pid')}
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${files.write(`${name}-ca.pem`, tls.ca)}
TLSCertificateFile ${files.write(`${name}-cert.pem`, tls.cert)}
TLSCertificateKeyFile ${files.write(`${name}-key.pem`, tls.key)}
allow bind_anon_cred bind_anon_dn
database mdb
maxsize 10485760
suffix "dc=example,dc=org"
rootdn "cn=root,dc=example,dc=org"
rootpw root-secret
directory ${data}
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=people,dc=example,dc=org" by dn.exact="cn=reader,dc=example,dc=org" read by self read by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=example,dc=org" read by users read by anonymous auth by * none
`,
    );
    const loaded = spawnSync(
      program,
      ['-T', 'add', '-f', config, '-l', files.write(`${name}.ldif`, ldif)],
      {
        encoding: 'utf8',
      },
    );
    if (loaded.status !== 0) throw new Error(`slapadd: ${loaded.stderr}`);
    const { port, tlsPort } = ports ?? { port: await freePort(), tlsPort: await freePort() };
    const urls = `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${tlsPort}/`;
    const child = spawn(program, ['-f', config, '-h', urls, '-d', '256'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const slapd = new Slapd(child, port, tlsPort);
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status) =>
        reject(new Error(`slapd: ${status}: ${slapd.log.join('\n')}`)),
      );
      createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
        slapd.log.push(line);
        slapd.#onLine();
        if (line.includes('slapd starting')) resolve();
      });
    });
    // It says so before it listens.
    while (!(await isListening(port))) {}
    return slapd;
  }

  /** What it logs of something, and of nothing before. */
  async logOf(action: () => Promise<void>): Promise<string[]> {
    const start = await this.#readUp();
    await action();
    const end = await this.#readUp();
    return this.log.slice(start + 1, end);
  }

  /**
   * Reads what it has logged up to now: a connection is made, and looked for.
   *
   * @returns the index of its line
   */
  async #readUp(): Promise<number> {
    const socket = connect(this.port, '127.0.0.1');
    await once(socket, 'connect');
    const mark = `ACCEPT from IP=127.0.0.1:${socket.localPort} `;
    const find = () => this.log.findIndex((line) => line.includes(mark));
    while (find() === -1) {
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
    socket.destroy();
    return find();
  }

  stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.kill();
    return ended;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
