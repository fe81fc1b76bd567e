import { expect, test } from '@jest/globals';
import { Template } from '../../src/providers/template.ts';

const NAMES = ['clientid', 'username', 'attrs.*'];
const values = new Map([
  ['clientid', '${username}'],
  ['attrs.a.b', 'x&y'],
]);
const stands = (name: string) => values.get(name) ?? null;

test('values stand in the places of placeholders, and are not looked at for others', () => {
  const template = new Template('a/${clientid}/$/{}/${attrs.a.b}', NAMES);
  expect(template.fill(stands)).toBe('a/${username}/$/{}/x&y');
  expect(template.fill(stands, encodeURIComponent)).toBe('a/%24%7Busername%7D/$/{}/x%26y');
  expect(template.placeholders).toEqual(['clientid', 'attrs.a.b']);
});

test('a value that there is not makes it nothing, or is something else', () => {
  const template = new Template('${username}', NAMES);
  expect(template.fill(stands)).toBeNull();
  expect(template.fill(stands, undefined, '')).toBe('');
});

test.each(['${user}', '${clientid', '${}', '${attrs.}', '${attrs}'])('%s is refused', (text) => {
  expect(() => new Template(text, NAMES)).toThrow(
    /there is no placeholder .*; there are \$\{clientid\}, \$\{username\}, \$\{attrs\.NAME\}/,
  );
});
