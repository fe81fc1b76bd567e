import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type LevelNode, LevelTree } from '../src/levels/level-tree.ts';

function treeOf(...keys: readonly string[]): LevelTree<string> {
  const tree = new LevelTree<string>();
  for (const key of keys) tree.set(key, key);
  return tree;
}

/** The paths of the nodes, in the order of their keys. */
function pathsOf(tree: LevelTree<string>): string[] {
  return [...tree.nodes()]
    .filter(([node]) => node !== tree.root)
    .sort(([, a], [, b]) => (a < b ? -1 : 1))
    .map(([node]) => node.path);
}

test('it is a map, whatever comes and goes', () => {
  const level = fc.constantFrom('a', 'b', 'ab', '', '+', '$x', ...'cdefghijkl');
  const key = fc
    .array(level, { minLength: 1, maxLength: 4 })
    .chain((levels) => fc.constantFrom(levels, [...levels, '#']))
    .map((levels) => levels.join('/'));
  const operation = fc.tuple(key, fc.boolean());
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80, size: 'max' }), (operations) => {
      const tree = new LevelTree<string>();
      const model = new Map<string, string>();
      for (const [one, isSet] of operations) {
        if (isSet) {
          tree.set(one, `${model.size}`);
          model.set(one, `${model.size}`);
        } else {
          expect(tree.delete(one)).toBe(model.delete(one));
        }
        expect(tree.get(one)).toBe(model.get(one) ?? null);
      }
      tree.checkInvariants();
      expect(new Map(tree.entries())).toEqual(model);
      expect(tree.size).toBe(model.size);
    }),
  );
});

test('levels without a fork are one node, and so they are again when the fork is gone', () => {
  const tree = treeOf('a/b/c', 'a/b/d/e');
  expect(pathsOf(tree)).toEqual(['a/b', 'c', 'd/e']);
  expect(tree.delete('a/b/c')).toBe(true);
  expect(pathsOf(tree)).toEqual(['a/b/d/e']);
  expect([tree.size, tree.nodeCount]).toEqual([1, 1]);
});

test('what lies on the way to a key has no value, and can’t be deleted', () => {
  const tree = treeOf('a/b/c', 'a/b/d');
  for (const key of ['a', 'a/b', 'a/b/c/d', 'a/', '']) {
    expect(tree.get(key)).toBeNull();
    expect(tree.delete(key)).toBe(false);
  }
  expect(tree.size).toBe(2);
});

test('nine siblings are found in a map, and the last one of them without it', () => {
  const tree = treeOf(...'abcdefgh');
  expect(tree.root.literals).not.toBeInstanceOf(Map);
  tree.set('i', 'i');
  expect(tree.root.literals).toBeInstanceOf(Map);
  for (const key of 'abcdefghi') expect(tree.get(key)).toBe(key);
  for (const key of 'abcdefgh') tree.delete(key);
  expect(tree.root.literals).not.toBeInstanceOf(Map);
  expect(tree.get('i')).toBe('i');
  tree.checkInvariants();
});

test('wildcards are levels of their own', () => {
  const tree = treeOf('a/+', 'a/#', 'a/b', '+', '#');
  expect(tree.root.plus?.value).toBe('+');
  expect(tree.root.hash?.value).toBe('#');
  expect(tree.get('a/+')).toBe('a/+');
  expect(tree.get('a/#')).toBe('a/#');
  expect(tree.get('a/c')).toBeNull();
});

test('however many levels a key has, they cost no stack', () => {
  const key = 'x/'.repeat(32_000);
  const tree = treeOf(key, `${key}a`, `${key}b`);
  expect(tree.get(key)).toBe(key);
  expect(tree.delete(key)).toBe(true);
  expect(tree.nodeCount).toBe(3);
  tree.checkInvariants();
});

describe('who looks at it', () => {
  function observed(tree: LevelTree<string>): string[] {
    const seen: string[] = [];
    const path = (node: LevelNode<string>) => node.path;
    tree.observers.add({
      onSplit: (child, upper) => seen.push(`split ${path(upper)} off ${path(child)}`),
      onJoin: (node, child) => seen.push(`join ${path(node)} with ${path(child)}`),
      onCollapse: (parent) => seen.push(`collapse below ${path(parent)}`),
    });
    return seen;
  }

  test('is told when a node is split, and when two become one', () => {
    const tree = treeOf('a/b/c');
    const seen = observed(tree);
    tree.set('a/b/d', 'd');
    tree.set('a/b/d', 'again');
    tree.delete('a/b/c');
    expect(seen).toEqual(['split a/b off c', 'join a/b with d']);
  });

  test('is told when a map has one child left, and not when a chain has', () => {
    const tree = treeOf('a', 'b');
    const seen = observed(tree);
    tree.delete('a');
    expect(seen).toEqual([]);
    for (const key of 'cdefghijk') tree.set(key, key);
    for (const key of 'cdefghijk') tree.delete(key);
    expect(seen).toEqual(['collapse below ']);
  });
});
