/** Runs the load generator in a process of its own, on the second core where there is one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Result } from '../../../packages/bench/dist/index.js';
import { root } from '../../lib/prepare.js';
import { owned, pinned, type Running } from './brokers.ts';

const GENERATOR = join(root, 'packages/bench/bin/promptmq-bench.js');

/**
 * @param args - a pattern and options of `promptmq-bench`
 * @param timeoutSeconds - after which it is ended, as a failure
 * @param prefix - words before its command, such as those that raise a limit
 * @returns its result, as @promptmq/bench describes it
 * @throws with the generator's own line when it fails
 */
export async function generate(
  args: readonly string[],
  { url, pid }: Pick<Running, 'url' | 'pid'>,
  timeoutSeconds: number,
  prefix: readonly string[] = [],
): Promise<Result> {
  const all = [GENERATOR, ...args, '--url', url, '--json', '-'];
  if (pid !== null) all.push('--broker-pid', String(pid));
  const [command, commandArgs] = pinned(1, process.execPath, all, prefix);
  const child = owned(spawn(command, commandArgs, { stdio: ['ignore', 'pipe', 'pipe'] }));
  const kill = setTimeout(() => child.kill('SIGKILL'), timeoutSeconds * 1000);
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const [code] = await once(child, 'close');
  clearTimeout(kill);
  if (code === null) throw new Error(`took longer than ${timeoutSeconds} seconds`);
  if (code !== 0) throw new Error(errors.trim().replace(/^promptmq-bench: /, ''));
  return JSON.parse(output).results[0];
}
