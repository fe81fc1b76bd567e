import { describe, expect, test } from '@jest/globals';
import { deviations, disagreements } from '../../src/map/agreement.ts';

describe('what nodes disagree on', () => {
  test('is named by key, in order', () => {
    const one = { b: '1', a: '1', c: '1' };
    expect(disagreements(one, { a: '2', b: '2', c: '1' })).toEqual(['a', 'b']);
    expect(disagreements(one, one)).toEqual([]);
  });

  test('is not what only one of them knows, which is of another version', () => {
    expect(disagreements({ a: '1', b: '1' }, { a: '1', c: '1' })).toEqual([]);
  });

  test('is the secret alone where that differs: all other hashes are made with it', () => {
    const settings = (hash: string) => ({ 'cluster.secret': hash, 'auth.acl-file': hash });
    expect(disagreements(settings('1'), settings('2'))).toEqual(['cluster.secret']);
  });

  test('is told of the node that differs from most, and of the later one of two', () => {
    const found = (values: readonly string[]) =>
      [...deviations(new Map(values.map((a, index) => [`${index}`, { a }])))]
        .filter(([, keys]) => keys.length > 0)
        .map(([node]) => node);
    expect(found(['1', '2', '2'])).toEqual(['0']);
    expect(found(['1', '2'])).toEqual(['1']);
    expect(found(['1', '1'])).toEqual([]);
  });
});
