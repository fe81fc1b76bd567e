import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const script = join(import.meta.dirname, '../../scripts');

/** Of those that few seeds are enough for. */
const MUTATIONS = ['retained-not-stored', 'will-not-restored', 'puback-before-commit'];

function mutate(...args: string[]) {
  const fixed = [script, 'mutate', '--skip-baseline', '--harness', 'simulation'];
  return spawnSync(process.execPath, [...fixed, ...args], { encoding: 'utf8' });
}

test('a broker that is broken on purpose is caught by the simulation', () => {
  const only = MUTATIONS.flatMap((name) => ['--only', name]);
  const { status, stdout, stderr } = mutate('--seeds', '200', ...only);
  expect(stderr).toBe('');
  expect(stdout.match(/simulation: caught, seed \d+/g)).toHaveLength(MUTATIONS.length);
  expect(stdout).toContain(' 0 not caught as they must be');
  expect(status).toBe(0);
}, 300_000);

test('a mutation that is not caught ends it with 1', () => {
  const { status, stdout } = mutate('--seeds', '1', '--only', 'unsuback-before-commit');
  expect(stdout).toMatch(/^unsuback-before-commit +MISSED$/m);
  expect(status).toBe(1);
}, 300_000);
