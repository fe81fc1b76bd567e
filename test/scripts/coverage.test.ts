import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { readCoverage } from '../../scripts/lib/coverage.ts';

const SOURCE = `/** Is run. */
export function used(isOdd: boolean): string {
  if (isOdd) {
    return 'odd';
  }
  return 'even';
}

export function unused(): number {
  return 2;
}
`;

const SWC = { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, sourceMaps: 'inline' };

let root: string;
let raw: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'promptmq-coverage-'));
  raw = join(root, 'raw');
  mkdirSync(raw);
  for (const folder of ['src', 'dist'])
    mkdirSync(join(root, 'packages', 'one', folder), { recursive: true });
  const transform = { '\\.ts$': ['@swc/jest', SWC] };
  writeFileSync(join(root, 'package.json'), JSON.stringify({ jest: { transform } }));
  writeFileSync(source('a.ts'), SOURCE);
  writeFileSync(source('types.ts'), '/** Only a type. */\nexport interface Only {}\n');
  writeFileSync(source('never.ts'), 'export const never = 1;\n');
});

afterEach(() => rmSync(root, { recursive: true }));

function source(name: string): string {
  return join(root, 'packages', 'one', 'src', name);
}

/** What V8 writes of a process that ran a script, but for these parts of it. */
function ran(url: string, code: string, ...unreached: readonly string[]): void {
  const whole = { startOffset: 0, endOffset: code.length, count: 1 };
  const holes = unreached.map((part) => {
    expect(code).toContain(part);
    return {
      startOffset: code.indexOf(part),
      endOffset: code.indexOf(part) + part.length,
      count: 0,
    };
  });
  const functions = [{ functionName: '', ranges: [whole, ...holes] }];
  const result = [
    { url: 'node:fs', functions },
    { url, functions },
  ];
  const name = `coverage-${process.hrtime.bigint()}.json`;
  writeFileSync(join(raw, name), JSON.stringify({ result }));
}

/** As a test runs it. */
function ranSource(...unreached: readonly string[]): void {
  const { code } = transformSync(SOURCE, {
    ...SWC,
    filename: source('a.ts'),
    module: { type: 'es6' },
  } as Parameters<typeof transformSync>[1]);
  ran(pathToFileURL(source('a.ts')).href, code, ...unreached);
}

const UNUSED = 'function unused() {\n    return 2;\n}';
const ODD = "{\n        return 'odd';\n    }";
const EVEN = "return 'even';\n";

function missed(): Record<string, readonly number[]> {
  const { files } = readCoverage(root, raw);
  return Object.fromEntries(
    files.map(({ path, missed: lines }) => [path.replace('packages/one/src/', ''), lines]),
  );
}

test('lines that nothing ran are found, in files that nothing loaded, too; types are no lines', () => {
  ranSource(ODD, UNUSED);
  expect(missed()).toEqual({ 'a.ts': [4, 10], 'never.ts': [1] });
});

test('a line is reached when one of several processes ran it', () => {
  ranSource(ODD, UNUSED);
  ranSource(EVEN, UNUSED);
  expect(missed()['a.ts']).toEqual([10]);
});

test('what is there no more, or is other code now, is left out and counted', () => {
  ranSource(ODD, UNUSED);
  ran(pathToFileURL(source('a.ts')).href, `${SOURCE} `);
  ran(pathToFileURL(join(root, 'packages/one/dist/gone.js')).href, 'x();');
  ran(pathToFileURL(join(root, 'elsewhere.js')).href, 'x();');
  expect(readCoverage(root, raw).foreignCount).toBe(2);
  expect(missed()['a.ts']).toEqual([4, 10]);
});
