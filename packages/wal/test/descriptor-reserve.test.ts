import { afterEach, expect, test } from '@jest/globals';
import { DescriptorReserve } from '../src/files/descriptor-reserve.ts';
import { Random } from '../src/testing/index.ts';

const release: (() => void)[] = [];

afterEach(() => {
  for (const giveBack of release.splice(0)) giveBack();
});

/** As when the process has no descriptor left, until as many of the reserve have been given up. */
function scarce(times: number): () => string {
  let left = times;
  return () => {
    if (left-- > 0) throw Object.assign(new Error('no descriptor'), { code: 'EMFILE' });
    return 'done';
  };
}

test('what takes a descriptor is done when the reserve has given up as many as it needs', () => {
  const reserve = new DescriptorReserve();
  release.push(reserve.hold());
  expect(reserve.use(scarce(3))).toBe('done');
  reserve.checkInvariants();
  expect(() => reserve.use(scarce(100))).toThrow('no descriptor');
  reserve.refill();
  expect(reserve.use(scarce(8))).toBe('done');
});

test('another error costs the reserve nothing', () => {
  const reserve = new DescriptorReserve();
  release.push(reserve.hold());
  const fail = () => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  expect(() => reserve.use(fail)).toThrow('no such file');
  expect(reserve.use(scarce(8))).toBe('done');
});

test('it is kept as long as one log needs it, and no longer', () => {
  const reserve = new DescriptorReserve();
  const random = new Random(1);
  for (let step = 0; step < 200; step++) {
    reserve.refill();
    const kind = random.below(4);
    if (kind === 0 && release.length < 3) release.push(reserve.hold());
    if (kind === 1) release.shift()?.();
    if (kind === 2) reserve.refill();
    if (kind === 3 && release.length > 0) reserve.use(scarce(random.below(3)));
    reserve.checkInvariants();
    reserve.refill();
    const isHeld = release.length > 0;
    if (isHeld) expect(reserve.use(scarce(8))).toBe('done');
    else expect(() => reserve.use(scarce(1))).toThrow('no descriptor');
  }
});
