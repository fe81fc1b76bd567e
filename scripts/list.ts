/** Lists the scripts, with the first sentence of their help: `node scripts list`, or `node scripts`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helpOf, readArguments } from './lib/arguments.ts';

readArguments(import.meta.url);

console.log('node scripts NAME [options]; --help says more of each\n');
for (const folder of ['', 'bench/']) {
  for (const file of readdirSync(join(import.meta.dirname, folder)).sort()) {
    if (!/\.(ts|js)$/.test(file) || file === 'index.js') continue;
    const help = helpOf(readFileSync(join(import.meta.dirname, folder, file), 'utf8'));
    const [sentence = ''] = help.replace(/\s+/g, ' ').split(/[.:;](?: |$)/, 1);
    console.log(`  ${`${folder}${file.replace(/\.\w+$/, '')}`.padEnd(22)} ${sentence}`);
  }
}
