#!/usr/bin/env node
const OPEN_FILES_LEAST = 256;
// Older versions can't even read what is imported: so they are looked for before.
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
    if (!areFilesTooFew(error)) throw error;
    process.stderr.write(
      `promptmq: too few open files are allowed for it to start: raise ulimit -n (LimitNOFILE of a unit), ${OPEN_FILES_LEAST} at least\n`,
    );
    process.exitCode = 1;
  }
}

/** Node.js opens all that is imported at once, before anything of it runs. */
function areFilesTooFew({ code }) {
  if (code === 'EMFILE' || code === 'ENFILE') return true;
  // It looks for packages without a word of why it doesn't find them.
  if (code !== 'ERR_MODULE_NOT_FOUND') return false;
  process.report.excludeNetwork = true;
  return process.report.getReport().userLimits?.open_files?.soft < OPEN_FILES_LEAST;
}
