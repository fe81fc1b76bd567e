import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Implementation } from './rig.ts';

/** The names of the table "Differences" in the README; each says why. */
export const listedDifferences: readonly string[] = namesInReadme();

/**
 * What each of the two does where they differ. Both are checked, so a difference that is no longer there fails; and it
 * must be listed in the README, with the reason.
 *
 * @param name - as in the table
 */
export function differing<T>({ name: who }: Implementation, name: string, what: Both<T>): T {
  if (!listedDifferences.includes(name)) throw new Error(`not listed in the README: ${name}`);
  if (isDeepStrictEqual(what.aedes, what.promptmq)) throw new Error(`no difference: ${name}`);
  return what[who];
}

interface Both<T> {
  readonly aedes: T;
  readonly promptmq: T;
}

function namesInReadme(): string[] {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, section = ''] = readme.split(/^## Differences$/m);
  const [table = ''] = section.split(/^## /m);
  return [...table.matchAll(/^\| `([^`]+)` /gm)].map(([, name = '']) => name);
}
