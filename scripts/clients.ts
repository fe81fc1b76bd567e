/**
 * Fetches the clients and brokers of other projects that tests use, as far as they can be had, and says what is there. Never
 * fails: the tests of what is missing are skipped, and say why.
 *
 *   node scripts clients            as root, also installs Debian's packages
 *   node scripts clients --list     fetches nothing; one line of JSON for each
 */
import { readArguments } from './lib/arguments.ts';
import {
  clientPrograms,
  fetchProgram,
  installDebianPackages,
  whyMissing,
} from './lib/client-programs.ts';

const { values } = readArguments(import.meta.url, {
  options: { list: { type: 'boolean', default: false } },
});

if (values.list) {
  for (const program of clientPrograms()) {
    const { name, command } = program;
    console.log(JSON.stringify({ name, command, missing: whyMissing(program) }));
  }
} else {
  const why = installDebianPackages();
  if (why !== null) console.log(`Debian's packages: ${why}`);
  for (const program of clientPrograms()) {
    fetchProgram(program);
    const missing = whyMissing(program);
    console.log(`${program.name}: ${missing === null ? 'there' : missing}`);
  }
}
