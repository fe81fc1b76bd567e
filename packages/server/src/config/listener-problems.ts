import { mountPointFault } from '@promptmq/topics';
import { toKebabCase } from './names.ts';
import { parseNetwork } from './network.ts';
import type { Config, ConfigInput } from './schema.ts';
import { isNone } from './values/units.ts';

type ListenerConfig = Config['listeners'][number];

/** One thing that is wrong with the listeners. */
interface ListenerProblem {
  /** Such as `listeners[1].cert`. */
  readonly key: string;
  readonly message: string;
}

/** Names are labels of metrics and words in logs. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

const TLS_KEYS = ['cert', 'key', 'sni', 'ca', 'crl', 'alpn', 'ciphers', 'pskFile'] as const;

/** What a listener is called: its own name, or its kind and its port. */
export function listenerName({ name, kind, bind }: ListenerConfig): string {
  const [address] = bind;
  if (name !== '' || address === undefined) return name;
  return address.kind === 'unix' ? 'unix' : `${kind}-${address.port}`;
}

/** What is right by itself in the listeners, but not together. */
export function listenerProblems(listeners: readonly ListenerConfig[]): ListenerProblem[] {
  const names = new Set<string>();
  return listeners.flatMap((listener, index) => {
    const problems: ListenerProblem[] = [];
    const refuse = (key: string, message: string) =>
      problems.push({ key: `listeners[${index}].${key}`, message });
    const name = listenerName(listener);
    if (listener.bind.length === 0) refuse('bind', 'it needs an address');
    if (name !== '' && !NAME.test(name)) {
      refuse(
        'name',
        `${JSON.stringify(name)} is not allowed; it takes letters, digits, ., _ and -`,
      );
    }
    if (names.has(name))
      refuse('name', `another listener is called ${name}: it needs one of its own`);
    if (FLAT_NAMES.includes(name)) {
      refuse('name', `${name} is what the listener of the section server is called: take another`);
    }
    names.add(name);
    checkKind(listener, refuse);
    checkTls(listener, refuse);
    checkTexts(listener, refuse);
    return problems;
  });
}

/** What those of `server.bind` and the like are called. */
const FLAT_NAMES: readonly string[] = ['tcp', 'ws', 'tls', 'wss'];

type Refuse = (key: string, message: string) => void;

function checkTexts({ proxyTrusted, path, mountPoint }: ListenerConfig, refuse: Refuse): void {
  const fault = mountPoint === '' ? null : mountPointFault(mountPoint);
  if (fault !== null) refuse('mount-point', `${fault}; it takes levels such as tenants/acme`);
  for (const network of proxyTrusted) {
    if (parseNetwork(network) === null) refuse('proxy-trusted', notNetwork(network));
  }
  for (const one of path) {
    if (one.startsWith('/')) continue;
    refuse('path', `${JSON.stringify(one)} is not allowed; it takes paths such as /mqtt`);
  }
}

function checkKind({ kind, bind, forwardedFor, deflate }: ListenerConfig, refuse: Refuse): void {
  if (kind === 'unix' && bind.some((address) => address.kind !== 'unix')) {
    refuse('bind', 'a listener of kind unix takes paths such as unix:/run/promptmq/mqtt.sock');
  }
  const isWebSocket = kind === 'ws' || kind === 'wss' || kind === 'auto';
  if (deflate && !isWebSocket) refuse('deflate', `a listener of kind ${kind} takes no WebSocket`);
  if (forwardedFor && !isWebSocket)
    refuse('forwarded-for', `a listener of kind ${kind} takes no HTTP`);
}

function checkTls(listener: ListenerConfig, refuse: Refuse): void {
  const { kind, cert, key, pskFile } = listener;
  const hasTls =
    kind === 'tls' || kind === 'wss' || (kind === 'auto' && (cert ?? key ?? pskFile) !== null);
  if (!hasTls) {
    const given = TLS_KEYS.filter(
      (name) => listener[name] !== null && listener[name]?.length !== 0,
    );
    const why =
      kind === 'auto'
        ? 'it needs cert and key, without which there is no TLS'
        : `a listener of kind ${kind} doesn't take TLS`;
    for (const name of given) refuse(toKebabCase(name), why);
    if (listener.clientCertificates !== 'none') refuse('client-certificates', why);
    return;
  }
  const hasCertificate = cert !== null || key !== null || pskFile === null;
  if (hasCertificate && cert === null)
    refuse('cert', `a listener of kind ${kind} needs a certificate`);
  if (hasCertificate && key === null)
    refuse('key', `a listener of kind ${kind} needs the key of its certificate`);
  checkClientProofs(listener, refuse);
}

/** By which clients prove in TLS who they are. */
function checkClientProofs(listener: ListenerConfig, refuse: Refuse): void {
  const { cert, ca, crl, sni, clientCertificates, pskFile, minVersion } = listener;
  if (clientCertificates !== 'none' && ca === null) refuse('client-certificates', 'it needs ca');
  if (crl !== null && clientCertificates === 'none') refuse('crl', 'it needs client-certificates');
  if (sni.length > 0 && cert === null)
    refuse('sni', 'it needs cert, for clients that name no host');
  if (pskFile === null) return;
  if (clientCertificates !== 'none') refuse('psk-file', 'it goes without client-certificates');
  if (minVersion === 'TLSv1.3') refuse('psk-file', 'it goes with TLSv1.2 as min-version only');
}

export function notNetwork(text: string): string {
  const allowed = 'addresses and networks such as 127.0.0.1, 10.0.0.0/8 or fd00::/8';
  return `${JSON.stringify(text)} is not allowed; it takes ${allowed}`;
}

/** Whether somebody has written a list of listeners. */
export function hasListeners(input: ConfigInput): boolean {
  const value: unknown = input.listeners;
  if (value === undefined || isNone(value)) return false;
  return Array.isArray(value) ? value.length > 0 : value !== '[]';
}

/** Who lists listeners wants these: the usual addresses are only there where they are given, too. */
export function withoutFlatListeners(input: ConfigInput): ConfigInput {
  if (!hasListeners(input)) return input;
  const { server } = input;
  if (server !== undefined && (typeof server !== 'object' || server === null)) return input;
  return { ...input, server: { bind: 'none', wsBind: 'none', ...server } };
}
