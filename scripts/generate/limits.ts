/** The table of all limits in docs/limits.md, from the configuration and what is known of each beside it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigOption, configOptions } from '../../packages/server/dist/config/index.js';
import { brokerCatalogue } from '../../packages/server/dist/observability/catalogue.js';
import type { Generated } from './generated.ts';
import { LIMIT_KEYS, type LimitFacts, limitFacts, NO_LIMITS } from './limits/facts.ts';

const PAGE = 'docs/limits.md';

export function generate(root: string): Generated {
  const page = readFileSync(join(root, PAGE), 'utf8');
  const limits = configOptions.filter(
    ({ key }) => LIMIT_KEYS.test(key) && !NO_LIMITS.includes(key),
  );
  check(root, limits);
  const rows = limits.map((option) => {
    const { happens, seen, test } = limitFacts[option.key] as LimitFacts;
    return [
      `\`${option.key}\``,
      `\`${option.defaultText}\``,
      happens,
      seen.map((name) => `\`${name}\``).join(', '),
      `[${test.slice(test.lastIndexOf('/') + 1).replace('.test.ts', '')}](../packages/${test})`,
    ];
  });
  const table = evenTable(['option', 'default', 'what happens at it', 'seen in', 'test'], rows);
  const text = page.replace(
    /<!-- limits -->.*<!-- \/limits -->/s,
    () => `<!-- limits -->\n\n${table}\n<!-- /limits -->`,
  );
  return { files: { [PAGE]: text } };
}

/** A Markdown table with columns of even width, as the formatter has them. */
function evenTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] as string).length), title.length),
  );
  const line = (cells: readonly string[], filler = ' ') =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number, filler)).join(' | ')} |\n`;
  const rule = line(
    header.map(() => '-'),
    '-',
  );
  return [line(header), rule, ...rows.map((row) => line(row))].join('');
}

/** @throws {Error} where what is known of a limit isn't so */
function check(root: string, limits: readonly ConfigOption[]): void {
  const faults: string[] = [];
  const keys = limits.map(({ key }) => key);
  for (const key of keys) {
    if (!Object.hasOwn(limitFacts, key)) faults.push(`${key} is a limit without facts`);
  }
  const log = readFileSync(join(root, 'docs/logs.md'), 'utf8');
  for (const [key, facts] of Object.entries(limitFacts)) {
    if (!keys.includes(key)) faults.push(`${key} has facts, and is no limit of the configuration`);
    for (const name of facts.seen) {
      const isThere = name.startsWith('promptmq_')
        ? Object.hasOwn(brokerCatalogue, name.replace(/\{.*/, ''))
        : log.includes(`| \`${name}\``);
      if (!isThere) faults.push(`${key}: there is no ${name}`);
    }
    faults.push(...testFaults(root, key, facts));
  }
  if (faults.length > 0) throw new Error(`scripts/generate/limits/facts.ts:\n${faults.join('\n')}`);
}

/** A test of a limit sets it, under the name that it has in code, or in files. */
function testFaults(root: string, key: string, { test, nameInTest }: LimitFacts): string[] {
  const file = join(root, 'packages', test);
  if (!existsSync(file)) return [`${key}: there is no packages/${test}`];
  const text = readFileSync(file, 'utf8');
  const last = key.slice(key.lastIndexOf('.') + 1);
  const inCode = last.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const isSet = [nameInTest ?? inCode, last].some((name) => text.includes(name));
  return isSet ? [] : [`${key}: ${test} doesn't set it`];
}
