/**
 * Fetches the clients and brokers of other projects that tests use, as far as they can be had, and says what is there. Never
 * fails: the tests of what is missing are skipped, and say why.
 *
 *   node scripts clients            as root, also installs Debian's packages
 *   node scripts clients --list     fetches nothing; one line of JSON for each
 *   node scripts clients --only X   only those whose name has X, and none of Debian's packages
 */
import { readArguments } from './lib/arguments.ts';
import {
  clientPrograms,
  fetchProgram,
  installDebianPackages,
  whyMissing,
} from './lib/client-programs.ts';

const { values } = readArguments(import.meta.url, {
  options: { list: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
});

const programs = clientPrograms().filter(({ name }) => name.includes(values.only));

if (values.list) {
  for (const program of programs) {
    const { name, command } = program;
    console.log(JSON.stringify({ name, command, missing: whyMissing(program) }));
  }
} else {
  const why = values.only === '' ? installDebianPackages() : null;
  if (why !== null) console.log(`Debian's packages: ${why}`);
  for (const program of programs) {
    fetchProgram(program);
    const missing = whyMissing(program);
    console.log(`${program.name}: ${missing === null ? 'there' : missing}`);
  }
}
