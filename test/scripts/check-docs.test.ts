import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const script = [join(import.meta.dirname, '../../scripts'), 'check-docs'];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-check-docs-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** What the check says of a file with that text: line and problem of each. */
function check(text: string): string[] {
  const file = join(folder, 'doc.md');
  writeFileSync(file, text);
  const { stderr, status } = spawnSync(process.execPath, [...script, file], { encoding: 'utf8' });
  const said = stderr.split('\n').filter((line) => line !== '');
  expect(status).toBe(said.length > 0 ? 1 : 0);
  return said.map((line) => line.replace(/^.*doc\.md:/, ''));
}

const fence = '```';

test('links, commands, options and configurations that are right pass', () => {
  const blocks = [
    `# One & two\n\n[up](#one--two) [here](doc.md#one--two) [out](https://example.com)`,
    `${fence}sh\npromptmq --version\n${fence}`,
    `${fence}sh skip=ports\npromptmq --max-qos 1 # --nothing\n${fence}`,
    `${fence}yaml\nmqtt: { max-qos: 1 }\n${fence}`,
    `${fence}yaml\nrules:\n  - publish: a/#\n${fence}`,
  ];
  expect(check(`${blocks.join('\n\n')}\n`)).toEqual([]);
});

test('what is wrong is reported with its line', () => {
  const blocks = [
    '[a](none.md) [b](#none)',
    `${fence}sh\necho no\nexit 3\n${fence}`,
    `${fence}sh skip=ports\n# a comment\npromptmq --max-quos 1\n${fence}`,
    `${fence}yaml\nmqtt: { max-qos: 7 }\n${fence}`,
    `${fence}sh until=never\necho ever\n${fence}`,
    `${fence}js\nimport { parseConfig } from '@promptmq/server';\n\nparseConfig({}, 2);\n${fence}`,
  ];
  expect(check(`${blocks.join('\n')}\n`)).toEqual([
    '19: error TS2554: Expected 1 arguments, but got 2.',
    '1: none.md: there is no such file',
    '1: #none: there is no such heading',
    '2: ended with 3:',
    'no',
    '8: --max-quos is no option of promptmq',
    expect.stringMatching(/^10: mqtt.max-qos \(block:1:\d+\): 7 is not allowed/),
    '13: its output has no never:',
    'ever',
  ]);
});
