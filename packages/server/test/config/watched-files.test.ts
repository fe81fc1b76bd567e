import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WatchedFiles } from '../../src/config/files/watched-files.ts';

let folder: string;
let files: WatchedFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-watched-'));
  writeFileSync(join(folder, 'a'), 'one');
  files = new WatchedFiles([join(folder, 'a'), join(folder, 'absent')]);
});

afterEach(() => {
  files.close();
  rmSync(folder, { recursive: true });
});

/** Resolves at the next change, and sees no more. */
function changed(): Promise<void> {
  // The poll alone doesn't keep a process running.
  const alive = setInterval(() => {}, 60_000);
  return new Promise<void>((resolve) => files.start(resolve)).finally(() => clearInterval(alive));
}

test.each<[string, () => void]>([
  ['written', () => writeFileSync(join(folder, 'a'), 'two')],
  [
    'replaced by one of the same size',
    () => {
      writeFileSync(join(folder, 'b'), 'two');
      renameSync(join(folder, 'b'), join(folder, 'a'));
    },
  ],
  ['removed', () => rmSync(join(folder, 'a'))],
  ['made', () => writeFileSync(join(folder, 'absent'), '')],
])('a file that was %s between being named and being watched has changed', async (_, change) => {
  change();
  await changed();
});

test('what was noted as about to be read is no change, what follows is', async () => {
  writeFileSync(join(folder, 'a'), 'two');
  files.refresh();
  writeFileSync(join(folder, 'absent'), '');
  files.follow([join(folder, 'a'), join(folder, 'other')]);
  let count = 0;
  files.start(() => count++);
  files.close();
  writeFileSync(join(folder, 'other'), '');
  await changed();
  expect(count).toBe(0);
});
