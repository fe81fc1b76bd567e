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

/** mosquitto_pub and mosquitto_sub: installed where that can be done, else their tests are skipped. */
function installDebianPackages() {
  if (isThere('mosquitto_sub')) return;
  if (process.getuid?.() === 0 && isThere('apt-get')) {
    run('looking up Debian packages', 'apt-get', ['update', '-qq']);
    run('installing mosquitto-clients', 'apt-get', ['install', '-y', '-qq', 'mosquitto-clients']);
  } else {
    console.error('promptmq: mosquitto_sub is not installed: its tests are skipped, except in CI');
  }
}

function isThere(command) {
  return spawnSync(command, ['--help']).error === undefined;
}
