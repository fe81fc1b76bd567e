#!/usr/bin/env node
// Older versions can't even read what is imported: they have to be told before.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `promptmq: it needs Node.js 20.19 or newer, and this is ${process.version}\n`,
  );
  process.exitCode = 1;
} else {
  try {
    await import('../dist/cli/main.js');
  } catch (error) {
    // Node.js opens all that is imported at once, before anything of it runs.
    if (error.code !== 'EMFILE' && error.code !== 'ENFILE') throw error;
    process.stderr.write(
      'promptmq: too few open files are allowed for it to start: raise ulimit -n (LimitNOFILE of a unit), 256 at least\n',
    );
    process.exitCode = 1;
  }
}
