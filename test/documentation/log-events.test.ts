import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const repository = join(import.meta.dirname, '../..');
const source = join(repository, 'packages/server/src');

/** Every event that the code logs, with its level; `null` where the level depends. */
function loggedEvents(): Map<string, string> {
  const events = new Map<string, string>();
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(source, file), 'utf8');
    const pattern =
      /\b(?:log|logger|clientLog)\??\.(trace|debug|info|warn|error|fatal)\(\s*(['`])([^'`]+)\2/g;
    for (const [, level, , event] of text.matchAll(pattern)) events.set(`${event}`, `${level}`);
  }
  return events;
}

/** The types of `LogEvent`, which are logged as `storage-TYPE`. */
function storageEvents(): string[] {
  const text = readFileSync(join(repository, 'packages/wal/src/ports/log-event.ts'), 'utf8');
  return [...text.matchAll(/readonly type: '([a-z-]+)'/g)].map(([, type]) => `storage-${type}`);
}

test('docs/logs.md lists every event of the code with its level, and no other', () => {
  const events = loggedEvents();
  expect(events.delete('storage-$' + '{type}')).toBe(true);
  for (const event of storageEvents()) if (!events.has(event)) events.set(event, 'warn');
  const rows = readFileSync(join(repository, 'docs/logs.md'), 'utf8').matchAll(
    /^\| `([a-z-]+)`(?: ◦)? \| ([a-z]+) \|/gm,
  );
  const documented = [...rows].map(([, event, level]) => `${event} ${level}`);
  expect(documented.sort()).toEqual([...events].map((entry) => entry.join(' ')).sort());
});
