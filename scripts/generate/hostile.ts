/** The page of the hostile cases, with what was measured when they were last run by hand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostileCases } from '../../packages/conformance/dist/index.js';
import type { Generated } from './generated.ts';
import { hostilePage, type KeptResults } from './hostile/page.ts';

/** What `node scripts conformance hostile --save NAME` writes. */
const KEPT = join(import.meta.dirname, 'hostile', 'results.json');

export function generate(): Generated {
  const kept = JSON.parse(readFileSync(KEPT, 'utf8')) as KeptResults;
  return { files: { 'docs/hostile.md': hostilePage(hostileCases, kept) } };
}
