/** The page of conformance: all cases as passed, as the tests see to it that they do, with another broker beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCases, type PeerResults, report } from '../../packages/conformance/dist/index.js';
import type { Generated } from './generated.ts';

export function generate(root: string): Generated {
  const peer = join(root, 'packages', 'conformance', 'peer.json');
  const passing = allCases.map(({ title }) => ({ title, failure: null }));
  const page = report(allCases, passing, JSON.parse(readFileSync(peer, 'utf8')) as PeerResults);
  return { files: { 'docs/conformance.md': page } };
}
