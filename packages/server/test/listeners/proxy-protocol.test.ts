import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseConfig } from '../../src/config/index.ts';
import { createBroker, type RunningBroker } from '../../src/index.ts';
import { parseProxyHeader } from '../../src/listeners/proxy/proxy-header.ts';
import { noopLogger } from '../../src/log/index.ts';
import { CertificateAuthority } from '../support/certificates.ts';
import { connectBytes } from '../support/packet-client.ts';

const V1 = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 50000 1883\r\n');
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const hex = (text: string) => Buffer.from(text.replace(/ /g, ''), 'hex');
const V2 = hex(`${SIGNATURE} 21 11 000c c0000201 c0000202 c350 075b`);

describe('headers', () => {
  test.each<[string, Buffer, string | null]>([
    ['version 1, IPv4', V1, '192.0.2.1:50000'],
    [
      'version 1, IPv6',
      Buffer.from('PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n'),
      '[2001:db8::1]:1',
    ],
    ['version 1, unknown', Buffer.from('PROXY UNKNOWN\r\n'), null],
    ['version 1, unknown with more', Buffer.from('PROXY UNKNOWN ff ff 1 2\r\n'), null],
    ['version 2, IPv4', V2, '192.0.2.1:50000'],
    [
      'version 2, IPv6',
      hex(
        `${SIGNATURE} 21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 c350 075b`,
      ),
      '[2001:db8:0:0:0:0:0:1]:50000',
    ],
    [
      'version 2 with an extension',
      hex(`${SIGNATURE} 21 11 0011 c0000201 c0000202 c350 075b 0400 02 0000`),
      '192.0.2.1:50000',
    ],
    ['version 2, local', hex(`${SIGNATURE} 20 00 0000`), null],
    ['version 2, local with more', hex(`${SIGNATURE} 20 00 0002 ffff`), null],
    ['version 2, unspecified', hex(`${SIGNATURE} 21 00 0000`), null],
  ])('%s', (_name, header, source) => {
    const bytes = Buffer.concat([header, Buffer.from('rest')]);
    const parsed = { status: 'complete', size: header.length, source };
    expect(parseProxyHeader(bytes, 'any')).toEqual(parsed);
    for (let length = 0; length < header.length; length++) {
      expect(parseProxyHeader(bytes.subarray(0, length), 'any').status).toBe('incomplete');
    }
  });

  test.each<[string, Buffer]>([
    ['no header', Buffer.from([0x10])],
    ['a wrong case', Buffer.from('proxy ')],
    ['a family that is not known', Buffer.from('PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['no family', Buffer.from('PROXY \r\n')],
    ['an address of the other family', Buffer.from('PROXY TCP4 ::1 ::2 1 2\r\n')],
    ['an address with a zone', Buffer.from('PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n')],
    ['an address with leading zeros', Buffer.from('PROXY TCP4 192.00.2.1 192.0.2.2 1 2\r\n')],
    ['a port too large', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n')],
    ['a port with a leading zero', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n')],
    ['a port with a sign', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n')],
    ['two spaces', Buffer.from('PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n')],
    ['a field too few', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n')],
    ['a field too many', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n')],
    ['a line without end', Buffer.from(`PROXY TCP4 ${'1'.repeat(100)}`)],
    ['a line too long', Buffer.from(`PROXY UNKNOWN ${'1'.repeat(100)}\r\n`)],
    ['version 3', hex(`${SIGNATURE} 31 11 000c c0000201 c0000202 c350 075b`)],
    ['an unknown command', hex(`${SIGNATURE} 22 11 000c c0000201 c0000202 c350 075b`)],
    ['datagrams', hex(`${SIGNATURE} 21 12 000c c0000201 c0000202 c350 075b`)],
    ['an unknown address family', hex(`${SIGNATURE} 21 41 000c c0000201 c0000202 c350 075b`)],
    ['addresses cut short', hex(`${SIGNATURE} 21 11 000b c0000201 c0000202 c350 07`)],
    ['a length beyond the limit', hex(`${SIGNATURE} 21 11 ffff`)],
    ['half an extension', hex(`${SIGNATURE} 21 11 000e c0000201 c0000202 c350 075b 0400`)],
    ['an extension too long', hex(`${SIGNATURE} 21 11 000f c0000201 c0000202 c350 075b 040001`)],
  ])('%s is invalid', (_name, header) => {
    expect(parseProxyHeader(header, 'any').status).toBe('invalid');
  });

  test('only the version that is asked for is taken', () => {
    expect(parseProxyHeader(V1, 'v2').status).toBe('invalid');
    expect(parseProxyHeader(V2, 'v1').status).toBe('invalid');
    expect(parseProxyHeader(V1, 'v1').status).toBe('complete');
    expect(parseProxyHeader(V2, 'v2').status).toBe('complete');
  });

  test('whatever comes, it never waits for more than a header may have', () => {
    const beginning = fc.constantFrom(Buffer.alloc(0), V1.subarray(0, 6), V2.subarray(0, 14));
    fc.assert(
      fc.property(beginning, fc.uint8Array({ maxLength: 300 }), (start, noise) => {
        const bytes = Buffer.concat([start, noise, Buffer.alloc(5000)]);
        expect(parseProxyHeader(bytes, 'any').status).not.toBe('incomplete');
      }),
    );
  });
});

describe('listeners', () => {
  const logged: object[] = [];
  const log = (event: string, fields: object = {}) => logged.push({ event, ...fields });
  let broker: RunningBroker | null = null;
  let folder: string | null = null;

  afterEach(async () => {
    logged.length = 0;
    await broker?.stop();
    if (folder !== null) rmSync(folder, { recursive: true });
    broker = null;
    folder = null;
  });

  async function start(server: object = {}, mqtt: object = {}): Promise<RunningBroker> {
    broker = await createBroker(
      { server: { proxyProtocol: 'any', ...server }, mqtt },
      { logger: { ...noopLogger, info: log, warn: log } },
    );
    return broker;
  }

  function open(url: string | null): Socket {
    return connect(Number(new URL(`${url}`).port), '127.0.0.1');
  }

  test.each([
    ['version 1', V1],
    ['version 2', V2],
  ])('a client is logged by the address that %s names', async (_name, header) => {
    const { url } = await start();
    const socket = open(url);
    // In the same chunk: what follows the header must not be lost.
    socket.write(Buffer.concat([header, connectBytes]));
    expect([...(await once(socket, 'data'))[0]]).toEqual([0x20, 2, 0, 0]);
    expect(logged).toContainEqual(
      expect.objectContaining({ event: 'client-connected', address: '192.0.2.1:50000' }),
    );
    socket.destroy();
  });

  test('a header may come in pieces', async () => {
    const { url } = await start();
    const socket = open(url);
    socket.setNoDelay(true);
    for (const byte of V2) {
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
    }
    socket.write(connectBytes);
    expect([...(await once(socket, 'data'))[0]]).toEqual([0x20, 2, 0, 0]);
    socket.destroy();
  });

  test('a connection without header is closed without an answer, and counted', async () => {
    const { url, stats } = await start();
    const socket = open(url);
    socket.on('error', () => {});
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));
    socket.write(connectBytes);
    await once(socket, 'close');
    expect(received).toEqual([]);
    expect(stats.connectionsRefused).toBe(1);
    expect(logged).toContainEqual(
      expect.objectContaining({ event: 'connection-refused', why: 'no PROXY protocol header' }),
    );
  });

  test('a header that does not come closes the connection', async () => {
    const { url } = await start({}, { connectTimeout: '50ms' });
    const socket = open(url);
    socket.write(V1.subarray(0, 10));
    await once(socket, 'close');
    expect(logged).toContainEqual(
      expect.objectContaining({
        reason: 'timeout',
        why: 'no whole PROXY protocol header within mqtt.connect-timeout',
      }),
    );
  });

  test('half a header and the end closes the connection', async () => {
    const { url } = await start();
    const socket = open(url);
    socket.end(V1.subarray(0, 10));
    socket.resume();
    await once(socket, 'close');
  });

  test.each([
    ['10.0.0.0/8', false],
    ['127.0.0.1', true],
    ['127.0.0.0/8', true],
    ['::ffff:127.0.0.1', true],
    ['0.0.0.0/0', true],
    ['::1', false],
  ])('from 127.0.0.1, with %s trusted: %p', async (network, isTrusted) => {
    const { url, stats } = await start({ proxyTrusted: [network] });
    const socket = open(url);
    socket.on('error', () => {});
    socket.write(Buffer.concat([V1, connectBytes]));
    const received: Buffer[] = [];
    socket.on('data', (chunk) => {
      received.push(chunk);
      socket.end();
    });
    await once(socket, 'close');
    expect(received.length > 0).toBe(isTrusted);
    expect(stats.socketsRefused.proxy).toBe(isTrusted ? 0 : 1);
    const refusal = {
      event: 'connection-refused',
      reason: 'proxy',
      address: `127.0.0.1:${socket.localPort}`,
      why: expect.stringContaining('server.proxy-trusted'),
    };
    if (isTrusted) return;
    expect(logged).toContainEqual({ ...refusal, address: expect.stringMatching(/^127/) });
  });

  test('who is trusted may be changed while it runs', async () => {
    const running = await start({ proxyTrusted: ['10.0.0.0/8'] });
    const next = { server: { proxyProtocol: 'any' as const, proxyTrusted: ['127.0.0.1'] } };
    expect(running.reconfigure(parseConfig(next)).changed).toContain('server.proxy-trusted');
    const socket = open(running.url);
    socket.write(Buffer.concat([V1, connectBytes]));
    expect([...(await once(socket, 'data'))[0]]).toEqual([0x20, 2, 0, 0]);
    socket.destroy();
  });

  test('WebSocket and TLS have it, too', async () => {
    const authority = new CertificateAuthority();
    const { cert, key } = authority.issue('localhost');
    folder = mkdtempSync(join(tmpdir(), 'promptmq-proxy-'));
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key);
    const { wsUrl, tlsUrl } = await start({
      tlsBind: '127.0.0.1:0',
      tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') },
    });
    const web = open(wsUrl);
    web.write(
      Buffer.concat([
        V1,
        Buffer.from(
          'GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n' +
            'Sec-WebSocket-Protocol: mqtt\r\n\r\n',
        ),
      ]),
    );
    expect(String((await once(web, 'data'))[0])).toMatch(/^HTTP\/1\.1 101 /);
    web.destroy();

    const raw = open(tlsUrl);
    raw.write(V2);
    const secure = connectTls({ socket: raw, ca: authority.cert });
    secure.write(connectBytes);
    expect([...(await once(secure, 'data'))[0]]).toEqual([0x20, 2, 0, 0]);
    expect(logged).toContainEqual(
      expect.objectContaining({
        event: 'client-connected',
        protocol: 'tls',
        address: '192.0.2.1:50000',
      }),
    );
    secure.destroy();
  });
});
