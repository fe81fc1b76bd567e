#!/usr/bin/env node
/**
 * `npm test -- [jest options]`: installs and builds what is missing, then runs all tests. Those that need programs of
 * other projects are skipped where these are not there, and say so; `node scripts/clients.mjs` fetches them.
 */
import './lib/node-version.mjs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfNeeded, installIfNeeded, root } from './lib/prepare.mjs';

installIfNeeded();
buildIfNeeded();

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
