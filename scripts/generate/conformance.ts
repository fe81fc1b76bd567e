/** The page of conformance: all cases as passed, as the tests see to it that they do, with another broker beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCases } from '../../packages/conformance/dist/index.js';
import { conformancePage, type PeerResults } from './conformance/page.ts';
import type { Generated } from './generated.ts';

/** What `node scripts conformance --save NAME` writes. */
const PEER = join(import.meta.dirname, 'conformance', 'peer.json');

export function generate(): Generated {
  const passing = allCases.map(
    ({ title }) => ({ title, outcome: 'passed', reason: null }) as const,
  );
  const peer = JSON.parse(readFileSync(PEER, 'utf8')) as PeerResults;
  return { files: { 'docs/conformance.md': conformancePage(allCases, passing, peer) } };
}
