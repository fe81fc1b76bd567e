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

test('every byte goes out once and in order, whatever is copied, referenced, flushed and held', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('append'), size: fc.nat(3000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('append'), size: fc.nat(100_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reference'), size: fc.nat(20_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush'), size: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('release'), size: fc.nat(3) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const transport = new SlowTransport();
      const output = new Output(transport, () => {});
      transport.output = output;
      const expected: Uint8Array[] = [];
      for (const [index, { kind, size }] of steps.entries()) {
        const data = new Uint8Array(size).fill(index + 1);
        if (kind === 'append') output.append(data, 0, size);
        else if (kind === 'reference') output.reference(data);
        else if (kind === 'flush') output.flush();
        else transport.release(size);
        if (kind === 'append' || kind === 'reference') expected.push(data);
      }
      output.flush();
      expect(output.pendingBytes).toBe(transport.held.reduce((sum, { length }) => sum + length, 0));
      transport.release(Number.POSITIVE_INFINITY);
      expect(output.pendingBytes).toBe(0);
      expect(Buffer.concat(transport.sent).equals(Buffer.concat(expected))).toBe(true);
    }),
    { numRuns: 200 },
  );
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
