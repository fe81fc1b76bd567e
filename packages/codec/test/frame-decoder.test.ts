import { describe, expect, test } from '@jest/globals';
import { FrameDecoder, PACKET_SIZE_MAX, type ProtocolVersion } from '../src/index.ts';
import { errorOf } from './support/error-of.ts';

/** A decoder with the frames that it has passed on, copied. */
function newDecoder(protocolVersion: ProtocolVersion | null = 5) {
  const frames: number[][] = [];
  const sink = {
    onFrame: (buffer: Uint8Array, start: number, bodyStart: number, end: number) => {
      frames.push([bodyStart - start, ...buffer.subarray(start, end)]);
      return true;
    },
  };
  return { decoder: new FrameDecoder(sink, { protocolVersion }), frames };
}

/** A frame whose body has a size, with the fewest bytes of length. */
function frameOf(firstByte: number, size: number): number[] {
  const length: number[] = [];
  for (let rest = size; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return [firstByte, ...length, ...new Array<number>(size).fill(7)];
}

describe('frames', () => {
  // The last and the first size for each number of bytes of the length, but for four.
  const stream = [0, 1, 127, 128, 300, 16_383, 16_384].flatMap((size) => frameOf(0x30, size));
  const expected = [
    [2, ...frameOf(0x30, 0)],
    [2, ...frameOf(0x30, 1)],
    [2, ...frameOf(0x30, 127)],
    [3, ...frameOf(0x30, 128)],
    [3, ...frameOf(0x30, 300)],
    [3, ...frameOf(0x30, 16_383)],
    [4, ...frameOf(0x30, 16_384)],
  ];

  test.each([1, 2, 3, 5, 64, 129, 1000, 16_390, 100_000])(
    'come whole from chunks of %i',
    (size) => {
      const { decoder, frames } = newDecoder();
      for (let start = 0; start < stream.length; start += size) {
        decoder.push(Uint8Array.from(stream.slice(start, start + size)));
        decoder.checkInvariants();
      }
      expect(frames).toEqual(expected);
      expect(decoder.bufferedBytes).toBe(0);
      expect(decoder.isIdle).toBe(true);
    },
  );

  test('that lie whole in a chunk are passed on in place', () => {
    const chunk = Uint8Array.of(0xc0, 0, 0x40, 2, 0, 1);
    const seen: unknown[] = [];
    new FrameDecoder({
      onFrame: (buffer, start, bodyStart, end) => {
        seen.push([buffer === chunk, start, bodyStart, end]);
        return true;
      },
    }).push(chunk);
    expect(seen).toEqual([
      [true, 0, 2, 2],
      [true, 2, 4, 6],
    ]);
  });
});

describe('a remaining length', () => {
  test('has four bytes at most: a fifth is not waited for (§1.5.5)', () => {
    const { decoder } = newDecoder();
    decoder.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff));
    const error = errorOf(() => decoder.push(Uint8Array.of(0xff)));
    expect(error).toMatchObject({ reasonCode: 0x81, rule: '§1.5.5', offset: 4 });
  });

  test.each([
    [3, null],
    [4, null],
    [5, 'MQTT-1.5.5-1'],
  ] as const)('in MQTT %i, padded, is refused by %s', (version, rule) => {
    const { decoder, frames } = newDecoder(version);
    const push = () => decoder.push(Uint8Array.of(0x40, 0x82, 0x80, 0x00, 0, 1));
    if (rule === null) {
      push();
      expect(frames).toEqual([[4, 0x40, 0x82, 0x80, 0x00, 0, 1]]);
    } else {
      expect(errorOf(push)).toMatchObject({ reasonCode: 0x81, rule, offset: 3 });
    }
  });

  test('of a CONNECT is left to who reads its version', () => {
    const { decoder, frames } = newDecoder(null);
    decoder.push(Uint8Array.of(0x10, 0x80, 0x00));
    expect(frames).toEqual([[3, 0x10, 0x80, 0x00]]);
  });

  test('may be as large as the protocol allows by default', () => {
    const { decoder } = newDecoder();
    decoder.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f));
    expect(decoder.bufferedBytes).toBe(5);
    expect(decoder.maximumPacketSize).toBe(PACKET_SIZE_MAX);
  });
});

describe('the version', () => {
  test('decides which first bytes are taken, from the next frame on', () => {
    const { decoder, frames } = newDecoder(null);
    decoder.push(Uint8Array.of(0x1f, 0)); // the flags of a CONNECT are checked with its version
    expect(decoder.protocolVersion).toBeNull();
    decoder.protocolVersion = 3;
    decoder.push(Uint8Array.of(0xcf, 0));
    expect(frames).toHaveLength(2);
    decoder.protocolVersion = 4;
    expect(errorOf(() => decoder.push(Uint8Array.of(0xcf, 0))).rule).toBe('MQTT-2.2.2-2');
    decoder.reset();
    decoder.protocolVersion = 5;
    expect(errorOf(() => decoder.push(Uint8Array.of(0xcf, 0))).rule).toBe('MQTT-2.1.3-1');
  });

  test('may be set by the sink, for what follows in the same chunk', () => {
    const decoder: FrameDecoder = new FrameDecoder(
      {
        onFrame: () => {
          decoder.protocolVersion = 4;
          return true;
        },
      },
      { protocolVersion: null },
    );
    decoder.push(Uint8Array.of(0x10, 0, 0xc0, 0));
    expect(errorOf(() => decoder.push(Uint8Array.of(0xc1, 0))).rule).toBe('MQTT-2.2.2-2');
  });

  test('where a CONNECT has to come, any other type is refused at its first byte [MQTT-3.1.0-1]', () => {
    for (let type = 1; type <= 15; type++) {
      const decoder = new FrameDecoder({ onFrame: () => true }, { protocolVersion: null });
      const flags = [6, 8, 10].includes(type) ? 2 : 0;
      const push = () => decoder.push(Uint8Array.of((type << 4) | flags, 0xff));
      if (type === 1) push();
      else expect(push).toThrow(/not a CONNECT \[MQTT-3.1.0-1\] at byte 0/);
    }
  });
});

describe('a limit of size', () => {
  test('of its own holds for packets other than PUBLISH', () => {
    const decoder = new FrameDecoder({ onFrame: () => true });
    decoder.maximumControlSize = 100;
    decoder.push(Uint8Array.of(0x30, 99));
    decoder.reset();
    decoder.push(Uint8Array.of(0x82, 98));
    decoder.reset();
    expect(() => decoder.push(Uint8Array.of(0x82, 99))).toThrow(/101 bytes, allowed are 100/);
  });

  test('is seen at the header, before anything is kept for the packet (0x95)', () => {
    const { decoder } = newDecoder();
    decoder.maximumPacketSize = 100;
    decoder.push(Uint8Array.of(0x30, 98));
    decoder.reset();
    const error = errorOf(() => decoder.push(Uint8Array.of(0x30, 99)));
    expect(error).toMatchObject({ reasonCode: 0x95, rule: 'MQTT-3.2.2-15' });
    expect(decoder.bufferedBytes).toBe(0);
  });

  test('for all packets holds where that for the others is larger', () => {
    const { decoder } = newDecoder();
    decoder.maximumControlSize = 200;
    decoder.maximumPacketSize = 100;
    expect(() => decoder.push(Uint8Array.of(0x82, 99))).toThrow('101 bytes, allowed are 100');
  });
});

describe('a decoder that has stopped', () => {
  test('keeps whatever comes in its order, however often it stops', () => {
    const whole = Uint8Array.from(
      Array.from({ length: 50 }, (_, index) => [0x40, 2, 0, index + 1]).flat(),
    );
    for (let size = 1; size < 30; size++) {
      const seen: number[] = [];
      const decoder = new FrameDecoder({
        onFrame: (buffer, _start, _bodyStart, end) => {
          seen.push(buffer[end - 1] as number);
          return seen.length % 3 !== 0;
        },
      });
      let pushed = 0;
      for (let start = 0; start < whole.length; start += size) {
        decoder.push(whole.subarray(start, start + size));
        decoder.checkInvariants();
        pushed = Math.min(whole.length, start + size);
        expect(decoder.bufferedBytes).toBe(pushed - 4 * seen.length);
        if (start % 7 === 0) decoder.resume();
        decoder.checkInvariants();
      }
      while (decoder.isStopped) decoder.resume();
      expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
      expect(decoder.bufferedBytes).toBe(0);
      expect(decoder.stoppedBytes).toBe(0);
    }
  });

  test('by `stop` decodes nothing before `resume`', () => {
    const { decoder, frames } = newDecoder();
    decoder.stop();
    decoder.push(Uint8Array.of(0xc0, 0));
    expect([frames.length, decoder.isStopped, decoder.isIdle]).toEqual([0, true, false]);
    expect([decoder.bufferedBytes, decoder.stoppedBytes]).toEqual([2, 2]);
    decoder.resume();
    expect([frames.length, decoder.isStopped, decoder.isIdle]).toEqual([1, false, true]);
  });

  test('or has half a frame forgets it all at `reset`', () => {
    const { decoder, frames } = newDecoder();
    decoder.push(Uint8Array.of(0x40, 2, 0));
    decoder.stop();
    decoder.push(Uint8Array.of(1));
    decoder.reset();
    expect([decoder.bufferedBytes, decoder.isIdle]).toEqual([0, true]);
    decoder.push(Uint8Array.of(0xc0, 0));
    expect(frames).toEqual([[2, 0xc0, 0]]);
  });
});

test('a reset from within the sink ends the chunk: nothing that follows in it is passed on', () => {
  let seen = 0;
  const decoder: FrameDecoder = new FrameDecoder({
    onFrame: () => {
      seen++;
      decoder.reset();
      return true;
    },
  });
  decoder.push(Uint8Array.of(0xc0, 0, 0xc0, 0));
  decoder.push(Uint8Array.of(0xc0));
  decoder.push(Uint8Array.of(0, 0xc0, 0)); // the first frame was split
  expect([seen, decoder.bufferedBytes]).toEqual([2, 0]);
});

test('a large packet in small chunks is put together in linear time and space', () => {
  const size = 16_000_000;
  let seen = 0;
  const decoder = new FrameDecoder({
    onFrame: (_buffer, start, bodyStart, end) => {
      seen = end - bodyStart;
      return start === 0;
    },
  });
  const header = [size & 0x7f, (size >> 7) & 0x7f, (size >> 14) & 0x7f].map((byte) => byte | 0x80);
  decoder.push(Uint8Array.of(0x30, ...header, size >> 21));
  const chunk = new Uint8Array(1000);
  for (let sent = 0; sent < size; sent += chunk.length) {
    expect(seen).toBe(0);
    decoder.push(chunk);
  }
  expect(seen).toBe(size);
});
