/** Programs of users under other versions of Node.js. */
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfSigned } from '../../../packages/bench/test/support/certificate.ts';
import { run } from '../child.ts';

/**
 * Installs a version of Node.js, which the npm package `node` brings.
 *
 * @param version - as npm is asked for it
 * @param folder - an empty one
 * @returns the path of its program
 */
export async function installNode(version: string, folder: string): Promise<string> {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const options = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  await run('npm', ['install', ...options, `node@${version}`], folder);
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const node = join(folder, 'node_modules', 'node', 'bin', name);
  const found = (await run(node, ['--version'], folder)).trim();
  if (!`${found}.`.startsWith(`v${version}.`)) throw new Error(`it is ${found}`);
  return node;
}

/** Requires and imports all entries, and passes messages through a broker that is started twice on the same files. */
export async function useWith(
  node: string,
  project: string,
  entries: readonly string[],
): Promise<void> {
  for (const name of ['require-all.cjs', 'use-broker.mjs']) {
    cpSync(join(import.meta.dirname, name), join(project, name));
  }
  await run(node, ['require-all.cjs', ...entries], project);
  const folder = mkdtempSync(join(project, 'storage-'));
  const { key, cert } = selfSigned();
  writeFileSync(join(folder, 'key.pem'), key);
  writeFileSync(join(folder, 'cert.pem'), cert);
  await run(node, ['use-broker.mjs', folder], project);
}
