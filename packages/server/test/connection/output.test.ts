import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Output } from '../../src/connection/output.ts';
import type { Transport } from '../../src/connection/transport.ts';

/** A transport that copies what it is given when it gives the buffer back, as a socket would read it. */
class SlowTransport implements Transport {
  readonly remoteAddress = '';
  readonly protocol = 'tcp';
  readonly held: Uint8Array[] = [];
  readonly sent: Uint8Array[] = [];
  output: Output | null = null;

  write(chunk: Uint8Array): void {
    this.held.push(chunk);
  }

  /** Passes on the oldest chunks. */
  release(count: number): void {
    for (const chunk of this.held.splice(0, count)) {
      this.sent.push(Uint8Array.from(chunk));
      this.output?.onWritten(chunk);
    }
  }

  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

const CHUNK = Uint8Array.from({ length: 400_000 }, (_, index) => (index * 31) % 251);

/** An output that is used in every way, with the bytes that are to go out. */
class UsedOutput {
  readonly transport = new SlowTransport();
  readonly output = new Output(this.transport, () => {});
  readonly expected: Uint8Array[] = [];
  /** Where in the chunk the next packet begins. */
  #start = 0;
  #count = 0;

  constructor() {
    this.transport.output = this.output;
  }

  append(size: number): void {
    const data = new Uint8Array(size).fill(++this.#count);
    this.output.append(data, 0, size);
    this.expected.push(data);
  }

  reference(size: number): void {
    const data = new Uint8Array(size).fill(++this.#count);
    this.output.reference(data);
    this.expected.push(data);
  }

  appendLater(size: number): void {
    const start = this.#start;
    this.skip(size);
    this.output.appendLater(CHUNK, start, this.#start);
    this.expected.push(CHUNK.slice(start, this.#start));
  }

  appendLaterWith(size: number): void {
    const start = this.#start;
    this.skip(size + 2);
    const value = 0x1234 + ++this.#count;
    this.output.appendLaterWith(CHUNK, start, this.#start, size >> 1, value);
    const bytes = Buffer.from(CHUNK.slice(start, this.#start));
    bytes.writeUInt16BE(value, size >> 1);
    this.expected.push(bytes);
  }

  skip(size: number): void {
    this.#start += size;
  }

  endTurn(): void {
    this.output.endTurn();
  }

  flush(): void {
    this.output.flush();
  }

  release(count: number): void {
    this.transport.release(count);
  }
}

test('every byte goes out once and in order, whatever is copied, now or later, referenced, flushed and held', () => {
  type Way = Exclude<keyof UsedOutput, 'transport' | 'output' | 'expected'>;
  const step = (weight: number, way: Way, size: fc.Arbitrary<number>) => ({
    weight,
    arbitrary: fc.record({ way: fc.constant(way), size }),
  });
  const steps = fc.oneof(
    step(6, 'append', fc.nat(3000)),
    step(1, 'append', fc.nat(100_000)),
    step(1, 'reference', fc.nat(20_000)),
    step(4, 'appendLater', fc.nat(3000)),
    step(8, 'appendLaterWith', fc.nat(300)),
    step(1, 'skip', fc.nat(10)),
    step(1, 'endTurn', fc.constant(0)),
    step(1, 'flush', fc.constant(0)),
    step(2, 'release', fc.nat(3)),
  );
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 100, size: 'max' }), (ways) => {
      const used = new UsedOutput();
      const { output, transport, expected } = used;
      for (const { way, size } of ways) used[way](size);
      output.flush();
      expect(output.pendingBytes).toBe(transport.held.reduce((sum, { length }) => sum + length, 0));
      transport.release(Number.POSITIVE_INFINITY);
      expect(output.pendingBytes).toBe(0);
      expect(Buffer.concat(transport.sent).equals(Buffer.concat(expected))).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('of more packets that are copied later than can be numbered at once, each has its number', () => {
  const used = new UsedOutput();
  for (let count = 0; count < 200; count++) used.appendLaterWith(40);
  used.flush();
  used.release(Number.POSITIVE_INFINITY);
  expect(Buffer.concat(used.transport.sent).equals(Buffer.concat(used.expected))).toBe(true);
});

test('what was to be copied later is gone with the connection', () => {
  const used = new UsedOutput();
  used.appendLaterWith(40);
  used.output.close();
  used.flush();
  expect(used.transport.held).toEqual([]);
});

test('what was sent while it is held leaves when it is released, in order, and nothing before', () => {
  const transport = new SlowTransport();
  const output = new Output(transport, () => {});
  const send = (byte: number) => output.append(Uint8Array.of(byte), 0, 1);
  output.hold();
  send(1);
  output.flush();
  send(2);
  expect(transport.held).toEqual([]);
  output.release();
  expect(Buffer.concat(transport.held)).toEqual(Buffer.of(1, 2));
});

test('what is held and released within a turn is written at its end, together with the rest of it', () => {
  const transport = new SlowTransport();
  let dirtyCount = 0;
  const output = new Output(transport, () => dirtyCount++);
  output.hold();
  output.append(Uint8Array.of(1), 0, 1);
  output.release();
  output.append(Uint8Array.of(2), 0, 1);
  expect(transport.held).toEqual([]);
  expect(dirtyCount).toBe(1);
  output.endTurn();
  expect(transport.held).toHaveLength(1);
});
