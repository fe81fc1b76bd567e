import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../../../bench/test/support/certificate.ts';
import { cheapHash } from '../../../server/test/support/cheap-hash.ts';
import { type OwnHostileTarget, parseTarget } from '../../src/index.ts';

const promptmq = join(import.meta.dirname, '../../../server/bin/promptmq.js');

const USER = { username: 'alice', password: 'correct horse' } as const;
const OTHER = { username: 'bob', password: 'battery staple' } as const;
const CONNECT_TIMEOUT_S = 3;

/** One that may do everything, and one that may use `open` and what is his own. */
const RULES = `rules:
  - { user: alice, publish: "#", subscribe: ["#", "$SYS/#"] }
  - { publish: ["open/#", "own/%c/#"], subscribe: ["open/#", "own/%c/#"] }
`;

/** A PromptMQ in a process of its own, with everything that the hostile cases ask for. */
export interface AttackedBroker extends OwnHostileTarget {
  /** What it has logged as warnings and errors, JSON line by line. */
  readonly log: () => readonly { readonly level: string; readonly event: string }[];
  readonly isAlive: () => boolean;
  /** Null while it runs, and when a signal has ended it. */
  readonly exitCode: () => number | null;
  readonly ports: { readonly tcp: number; readonly webSocket: number; readonly proxied: number };
}

export async function startAttacked(): Promise<AttackedBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'promptmq-attacked-'));
  const at = (name: string) => join(folder, name);
  const { key, cert } = selfSigned();
  writeFileSync(at('key.pem'), key, { mode: 0o600 });
  writeFileSync(at('certificate.pem'), cert);
  writeFileSync(at('acl.yaml'), RULES);
  const lines = [USER, OTHER].map(
    ({ username, password }) => `${username}:${cheapHash(password)}\n`,
  );
  writeFileSync(at('passwords'), lines.join(''), { mode: 0o600 });
  writeFileSync(at('promptmq.yaml'), configuration());
  const child = spawn(process.execPath, [promptmq, '--config', at('promptmq.yaml')], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...coverage() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const addresses = await listening(child, (text) => {
    output += text;
    return output;
  });
  const main = parseTarget(`mqtt://${addresses.get('mqtt')}`, {
    wsUrl: `ws://${addresses.get('ws')}/mqtt`,
    ...USER,
  });
  return {
    target: {
      ...main,
      tlsUrl: `mqtts://${addresses.get('mqtts')}`,
      other: OTHER,
      open: 'open',
      closed: 'closed',
      connectTimeoutMs: CONNECT_TIMEOUT_S * 1000,
    },
    pid: child.pid ?? null,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    exitCode: () => child.exitCode,
    ports: {
      tcp: portOf(addresses.get('mqtt')),
      webSocket: portOf(addresses.get('ws')),
      proxied: portOf(addresses.get('proxied')),
    },
    log: () =>
      output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
    stop: async () => {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        // With all that it has written.
        await once(child, 'close');
      }
      rmSync(folder, { recursive: true });
    },
  };
}

function portOf(address: string | undefined): number {
  return Number(address?.slice(address.lastIndexOf(':') + 1));
}

function configuration(): string {
  return `server:
  bind: 127.0.0.1:0
  tls-bind: 127.0.0.1:0
  ws-bind: 127.0.0.1:0
  tls: { cert: certificate.pem, key: key.pem }
listeners:
  - { name: proxied, kind: tcp, bind: "127.0.0.1:0", proxy-protocol: any }
auth: { password-file: passwords, acl-file: acl.yaml, allow-anonymous: false }
mqtt: { connect-timeout: ${CONNECT_TIMEOUT_S}s }
metrics: { bind: none }
storage: { data-dir: data, wal-dir: wal }
log: { format: json, level: info }
`;
}

/** So that what the cases reach counts as reached. */
function coverage(): Record<string, string> {
  const folder = process.env['NODE_V8_COVERAGE'];
  return folder === undefined ? {} : { NODE_V8_COVERAGE: folder };
}

/** Addresses by protocol, once it is ready. */
async function listening(
  child: ChildProcess,
  keep: (text: string) => string,
): Promise<ReadonlyMap<string, string>> {
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer) => {
      const output = keep(chunk.toString());
      if (!output.includes('"ready"')) return;
      const found = output.matchAll(/"protocol":"(\w+)","address":"([\d.:]+)/g);
      const addresses = new Map<string, string>();
      // Those of `listeners` come after those of `server`.
      for (const [, protocol = '', address = ''] of found) {
        addresses.set(addresses.has(protocol) ? 'proxied' : protocol, address);
      }
      resolve(addresses);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code}: ${keep('')}`)));
  });
}
