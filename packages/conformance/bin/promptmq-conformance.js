#!/usr/bin/env node
// Older versions can't even read what is imported: they have to be told before.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `promptmq-conformance: it needs Node.js 20.19 or newer, and this is ${process.version}\n`,
  );
  process.exitCode = 2;
} else {
  const { runCommand } = await import('../dist/index.js');
  process.exitCode = await runCommand(process.argv.slice(2));
}
