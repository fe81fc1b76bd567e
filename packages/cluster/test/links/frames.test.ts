import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameReader, FrameType, FrameWriter } from '../../src/links/frames.ts';
import { laneOf } from '../../src/links/link.ts';

type Frame = { readonly type: number; readonly body: Uint8Array };

const frame = fc.record({
  type: fc.integer({ min: 1, max: 255 }),
  body: fc.uint8Array({ maxLength: 200 }),
});

function write(frames: readonly Frame[]): Buffer {
  const writer = new FrameWriter();
  for (const { type, body } of frames) {
    const half = body.length >> 1;
    writer.add(type, [body.subarray(0, half), body.subarray(half)]);
  }
  const { byteCount } = writer;
  const bytes = Buffer.concat(writer.take());
  expect(bytes).toHaveLength(byteCount);
  expect(writer.byteCount).toBe(0);
  return bytes;
}

function read(chunks: Iterable<Uint8Array>, sizeMax = 1000): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader(sizeMax, (type, body) =>
    frames.push({ type, body: Uint8Array.from(body) }),
  );
  for (const chunk of chunks) reader.push(chunk);
  return frames;
}

describe('frames of a link', () => {
  test('come out as they went in, wherever the stream is cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(frame), cuts, (frames, sizes) => {
        const bytes = write(frames);
        const chunks: Uint8Array[] = [];
        for (let offset = 0, at = 0; offset < bytes.length; at++) {
          const size = sizes[at % sizes.length] as number;
          chunks.push(bytes.subarray(offset, offset + size));
          offset += size;
        }
        expect(read(chunks)).toEqual(frames);
      }),
    );
  });

  test('each byte may come alone', () => {
    const frames = [
      { type: 1, body: new Uint8Array(0) },
      { type: 255, body: new Uint8Array([1, 2, 3]) },
    ];
    expect(read([...write(frames)].map((byte) => Uint8Array.of(byte)))).toEqual(frames);
  });

  test('are gathered beyond the size of a block, and one may be larger than a block', () => {
    const frames = Array.from({ length: 300 }, (_, index) => ({
      type: 7,
      body: new Uint8Array(index * 7).fill(index),
    }));
    const large = { type: 8, body: new Uint8Array(300_000).fill(9) };
    const writer = new FrameWriter();
    for (const { type, body } of [...frames, large]) writer.add(type, [body]);
    const blocks = writer.take();
    expect(blocks.length).toBeGreaterThan(2);
    expect(read(blocks, 400_000)).toEqual([...frames, large]);
  });

  test('a buffer that was given back is not one that is still read', () => {
    const writer = new FrameWriter();
    const fill = () => {
      while (writer.byteCount < 400_000) writer.add(7, [new Uint8Array(1000)]);
      return writer.take();
    };
    const first = fill();
    for (const block of first) FrameWriter.recycle(block);
    const second = fill();
    const buffers = second.map(({ buffer }) => buffer);
    expect(new Set(buffers).size).toBe(second.length);
    expect(first.some(({ buffer }) => buffers.includes(buffer))).toBe(true);
  });

  test('parts belong to the caller again at once', () => {
    const part = new Uint8Array([1, 2, 3]);
    const writer = new FrameWriter();
    writer.add(7, [part]);
    part.fill(0);
    expect(read(writer.take())).toEqual([{ type: 7, body: new Uint8Array([1, 2, 3]) }]);
  });

  test('one that is too large, or empty, ends the reader before anything of it is kept', () => {
    const tooLarge = write([{ type: 7, body: new Uint8Array(1000) }]);
    expect(() => read([tooLarge.subarray(0, 4)])).toThrow('a frame of 1001 bytes, at most 1000');
    expect(read([write([{ type: 7, body: new Uint8Array(999) }])])).toHaveLength(1);
    expect(() => read([new Uint8Array(4)])).toThrow('a frame of 0 bytes');
  });

  test('a reader that is stopped within a chunk reads nothing more of it', () => {
    const types: number[] = [];
    const reader = new FrameReader(100, (type) => {
      types.push(type);
      reader.stop();
    });
    const bytes = write([
      { type: 1, body: new Uint8Array(1) },
      { type: 2, body: new Uint8Array(1) },
    ]);
    reader.push(bytes);
    reader.push(bytes);
    expect(types).toEqual([1]);
  });

  test('relayed connections have the first lane, all else has the second', () => {
    const { open, data, end, close, window, refuse, ...others } = FrameType;
    for (const type of [open, data, end, close, window, refuse]) {
      expect(laneOf(type)).toBe(1);
    }
    for (const type of Object.values(others)) expect(laneOf(type)).toBe(2);
    const types = Object.values(FrameType);
    expect(new Set(types).size).toBe(types.length);
  });
});
