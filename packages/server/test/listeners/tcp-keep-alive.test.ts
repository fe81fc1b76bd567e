import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type ConfigInput, createBroker, type RunningBroker } from '../../src/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { connectBytes } from '../support/packet-client.ts';

/** The system's table of TCP connections. */
const TABLE = '/proc/net/tcp';

const ESTABLISHED = '01';

/** To QoS 0: it has no answer, but acknowledges to the system what came before it. */
const PUBLISH = Uint8Array.of(0x30, 3, 0, 1, 0x61);

/** Of another client, `d`. */
const otherConnectBytes = Uint8Array.of(...connectBytes.subarray(0, -1), 0x64);

const FRAME_BEGINNING = Uint8Array.of(0x82);

const UPGRADE = [
  'GET /mqtt HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: mqtt',
  '\r\n',
].join('\r\n');

const portOf = (url: string | null) => Number(new URL(`${url}`).port);
const open = (url: string | null) => connect({ host: '127.0.0.1', port: portOf(url) });

/** Sends `first`, and `last` when it has been answered. */
async function exchange<S extends Socket>(
  socket: S,
  first: string | Uint8Array,
  last: Uint8Array,
): Promise<S> {
  socket.write(first);
  await once(socket, 'data');
  await new Promise((resolve) => socket.write(last, resolve));
  return socket;
}

/**
 * The timer of the broker's end of a client's connection: `02` is that of keep alive, `00` none. The table is the whole
 * machine's: the port alone may be another program's, too.
 */
function timersAt(url: string | null, client: Socket): string[] {
  const endsWith = (address: string | undefined, port: number | undefined) =>
    address?.endsWith(`:${port?.toString(16).toUpperCase().padStart(4, '0')}`);
  return readFileSync(TABLE, 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local, remote, state]) =>
        endsWith(local, portOf(url)) && endsWith(remote, client.localPort) && state === ESTABLISHED,
    )
    .map((columns) => columns[5]?.slice(0, 2) ?? '');
}

(existsSync(TABLE) ? describe : describe.skip)('SO_KEEPALIVE finds who is gone', () => {
  const authority = new CertificateAuthority();
  let folder: string;
  let broker: RunningBroker;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'promptmq-keep-alive-'));
    const { cert, key } = authority.issue('localhost');
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => broker.stop());

  async function start(server: ConfigInput['server']): Promise<void> {
    const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    broker = await createBroker({
      server: { tlsBind: '127.0.0.1:0', wssBind: '127.0.0.1:0', tls, ...server },
    });
  }

  /** The timer of each listener's connection, when its client has acknowledged all that the broker sent. */
  async function timers(): Promise<string[][]> {
    const opened = await Promise.all([
      exchange(open(broker.url), connectBytes, PUBLISH),
      exchange(open(broker.wsUrl), UPGRADE, FRAME_BEGINNING),
      exchange(await openTls(broker.tlsUrl), otherConnectBytes, PUBLISH),
      exchange(await openTls(broker.wssUrl), UPGRADE, FRAME_BEGINNING),
    ]);
    const found = [broker.url, broker.wsUrl, broker.tlsUrl, broker.wssUrl].map((url, index) =>
      timersAt(url, opened[index] as Socket),
    );
    for (const socket of opened) socket.destroy();
    return found;
  }

  async function openTls(url: string | null): Promise<Socket> {
    const options = { host: '127.0.0.1', port: portOf(url), servername: 'localhost' };
    const socket = connectTls({ ...options, ca: [authority.cert] });
    await once(socket, 'secureConnect');
    return socket;
  }

  test('on every listener, by default', async () => {
    await start({});
    expect(await timers()).toEqual([['02'], ['02'], ['02'], ['02']]);
  });

  test('not with server.tcp-keep-alive 0', async () => {
    await start({ tcpKeepAlive: 0 });
    expect(await timers()).toEqual([['00'], ['00'], ['00'], ['00']]);
  });

  test('after a PROXY header', async () => {
    await start({ proxyProtocol: 'v1' });
    const socket = open(broker.url);
    socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\n');
    await exchange(socket, connectBytes, PUBLISH);
    expect(timersAt(broker.url, socket)).toEqual(['02']);
    socket.destroy();
  });
});
