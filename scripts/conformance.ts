/**
 * Runs the conformance cases.
 *
 *   node scripts conformance                                    against a PromptMQ of its own
 *   node scripts conformance --target HOST:PORT [--ws URL]      against any broker
 *   node scripts conformance --grep TEXT [--json]               those whose title or rules have it
 *   node scripts conformance --target … --save NAME             keeps the results for docs/conformance.md
 *
 * Prints each failure, and ends with 1 if there is one.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments } from './lib/arguments.ts';
import { root, run } from './lib/prepare.js';

const { values } = readArguments(import.meta.url, {
  options: {
    target: { type: 'string' },
    ws: { type: 'string' },
    save: { type: 'string' },
    grep: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
run('building', process.execPath, [compiler, '-b', 'packages/conformance']);
const { allCases, runCases } = await import('../packages/conformance/dist/index.js');

const peerFile = join(root, 'packages', 'conformance', 'peer.json');
const colon = values.target?.lastIndexOf(':') ?? -1;
const target =
  values.target === undefined
    ? null
    : {
        host: values.target.slice(0, colon),
        port: Number(values.target.slice(colon + 1)),
        wsUrl: values.ws ?? null,
      };

const cases = allCases.filter(({ title, rules }) =>
  `${title} ${rules.join(' ')}`.includes(values.grep),
);
if (values.grep !== '' && values.save !== undefined) {
  console.error('--save needs all cases: leave out --grep');
  process.exit(2);
}
if (cases.length === 0) {
  console.error(`no case has ${JSON.stringify(values.grep)} in its title or rules`);
  process.exit(2);
}
const results = await runCases(cases, {
  target,
  onResult: ({ title, failure }, done) => {
    if (failure !== null && !values.json) {
      console.log(`${done}/${cases.length} ${title}: ${failure}`);
    }
  },
});
const passed = results.filter(({ failure }) => failure === null).length;
console.log(
  values.json
    ? JSON.stringify({ passed, results }, null, 2)
    : `${passed} of ${results.length} cases pass`,
);

if (values.save !== undefined) {
  // Topics and addresses of the run don't belong there: the page has to be the same each time.
  const plain = results.map(({ title, failure }) => ({
    title,
    failure: failure?.replace(/case\d+x\d+\S*/g, 'the case') ?? null,
  }));
  writeFileSync(peerFile, `${JSON.stringify({ name: values.save, results: plain }, null, 2)}\n`);
}
process.exit(passed === results.length || values.save !== undefined ? 0 : 1);
