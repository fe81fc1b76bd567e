import { check } from '../../check.ts';
import { bytes, u16 } from '../../wire/bytes.ts';
import { HostileList } from '../case.ts';
import { AT_ONCE_MS } from '../context.ts';

/** TLS before MQTT. */
const list = new HostileList('TLS');
export const tlsCases = list.cases;

list.add(
  'what is no TLS on the port of TLS: MQTT, HTTP, bytes of nothing, a broken ClientHello',
  { needs: 'tls', answer: 'closed' },
  async (context) => {
    const firsts = [
      context.connectOf(),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      new Uint8Array(1000),
      bytes(0x16, 3, 1, u16(4), 1, 0xff, 0xff, 0xff),
      bytes(0x16, 3, 1, 0xff, 0xff, new Uint8Array(0xffff)),
    ];
    for (const [index, first] of firsts.entries()) {
      const socket = await context.tlsPort();
      socket.send(first);
      check(await socket.closedWithin(AT_ONCE_MS), `number ${index} is still open`);
    }
  },
);

list.add(
  '60 connections to the port of TLS that are closed at once',
  { needs: 'tls', answer: 'nothing is left of them' },
  async (context) => {
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const socket = await context.tlsPort();
        if (index % 2 === 0) socket.end();
        else socket.destroy();
        check(await socket.closedWithin(AT_ONCE_MS), 'still open');
      }),
    );
  },
);

list.add(
  'renegotiation of TLS 1.2, again and again',
  { needs: 'tls', answer: 'refused, or closed' },
  async (context) => {
    const socket = await context.tls({ maxVersion: 'TLSv1.2' });
    let done = 0;
    for (; done < 20 && !socket.isClosed; done++) {
      const isDone = await Promise.race([
        socket.renegotiate(),
        socket.closedWithin(3000).then(() => false),
      ]);
      if (!isDone) break;
    }
    check(done < 20, 'renegotiated 20 times');
  },
);

list.add(
  'garbage within an open TLS connection',
  { needs: 'tls', answer: 'closed' },
  async (context) => {
    const socket = await context.tls();
    socket.send(context.connectOf(), new Uint8Array(100));
    check(await socket.closedWithin(AT_ONCE_MS), 'still open');
  },
);

list.add(
  'versions of TLS that are too old, records of nothing, and alerts again and again',
  { needs: 'tls', answer: 'closed' },
  async (context) => {
    const old = await context.tls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }).then(
      () => true,
      () => false,
    );
    check(!old, 'TLS 1.1 is spoken');
    const floods = [
      bytes(0x16, 3, 3, 0, 0),
      bytes(0x17, 3, 3, 0, 0),
      bytes(0x15, 3, 3, 0, 2, 1, 0),
    ];
    await Promise.all(
      floods.map(async (record, index) => {
        const socket = await context.tlsPort();
        await socket.sendAll(Buffer.alloc(record.length * 20_000, record), 5000);
        check(await socket.closedWithin(AT_ONCE_MS), `flood ${index}: still open`);
      }),
    );
  },
);
