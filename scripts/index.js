#!/usr/bin/env node
/**
 * Runs one of the scripts here: `node scripts NAME [options]`; without a name it lists them. On a new clone it installs
 * the dependencies first: that is why this file, and what it imports, are JavaScript, as no loader of TypeScript is there.
 */
import './lib/node-version.js';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installIfNeeded } from './lib/prepare.js';

const [name = 'list', ...options] = process.argv.slice(2);
const isName = /^[a-z-]+(\/[a-z-]+)*$/.test(name);
const script = ['ts', 'js']
  .map((ending) => new URL(`./${name}.${ending}`, import.meta.url))
  .find((url) => isName && existsSync(url));
if (script === undefined) {
  console.error(`promptmq: there is no script ${name}; \`node scripts\` lists them`);
  process.exit(2);
}
installIfNeeded();
// The script finds its command line as if Node.js had run it.
process.argv.splice(1, process.argv.length, fileURLToPath(script), ...options);
if (!script.href.endsWith('.js')) await import('./lib/typescript.js');
await import(script.href);
