#!/usr/bin/env node
/** `npm test -- [jest options]`: installs and builds what is missing, then runs all tests. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfNeeded, installIfNeeded, root, run } from './lib/prepare.mjs';

installIfNeeded();
buildIfNeeded();
installDebianPackages();

const { status } = spawnSync(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    '--experimental-vm-modules',
    join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(status ?? 1);

/** Programs of other projects: installed where that can be done, else their tests are skipped. */
function installDebianPackages() {
  const missing = Object.entries({
    'mosquitto-clients': 'mosquitto_sub',
    prometheus: 'promtool',
  }).filter(([, command]) => !isThere(command));
  if (missing.length === 0) return;
  const packages = missing.map(([name]) => name);
  if (process.getuid?.() === 0 && isThere('apt-get')) {
    run('looking up Debian packages', 'apt-get', ['update', '-qq']);
    const options = ['-y', '-qq', '--no-install-recommends'];
    run(`installing ${packages.join(', ')}`, 'apt-get', ['install', ...options, ...packages]);
  } else {
    const names = packages.join(', ');
    console.error(
      `promptmq: ${names} not installed: tests with it are skipped, except in CI on Linux`,
    );
  }
}

function isThere(command) {
  return spawnSync(command, ['--help']).error === undefined;
}
