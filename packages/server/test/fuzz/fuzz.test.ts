import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { corpus } from './corpus.ts';
import { fuzzRound } from './rounds.ts';
import { writeRules } from './rules.ts';

const ROUNDS = 40;
const PACKETS = 500;
const FIRST = 20_261_130;

let folder: string;
let rules: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'promptmq-fuzz-'));
  rules = writeRules(folder);
});

afterAll(() => rmSync(folder, { recursive: true }));

test('clients that send what is not quite MQTT end nothing but their connections, and leave nothing behind', async () => {
  const sums = { packets: 0, connections: 0, accepted: 0, received: 0, delivered: 0 };
  for (let seed = FIRST; seed < FIRST + ROUNDS; seed++) {
    const result = await fuzzRound(seed, PACKETS, rules);
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += result[name];
  }
  // Most of what is sent has to be good enough to get anywhere.
  expect(sums.packets).toBeGreaterThanOrEqual(ROUNDS * PACKETS);
  expect(sums.accepted / sums.connections).toBeGreaterThan(0.6);
  expect(sums.received).toBeGreaterThan(sums.packets / 5);
  expect(sums.delivered).toBeGreaterThan(sums.packets / 5);
}, 600_000);

test('a seed determines all that happens', async () => {
  const { longestMs: _, ...first } = await fuzzRound(7, 300, rules);
  const { longestMs: __, ...second } = await fuzzRound(7, 300, rules);
  expect(second).toEqual(first);
});

test('each entry of the corpus has whole bytes', () => {
  expect(corpus.filter(({ length }) => length < 2)).toEqual([]);
});
