/**
 * Locks a directory, and fails when a module can't be imported afterwards:
 * `node import-after.mjs WHAT PACKAGE DIRECTORY FIRST MODULE`. WHAT follows: `nothing`, `refused`, another try, or `unlocked`.
 * PACKAGE is this package's module, FIRST one that is imported before, from where MODULE is.
 */
const [what, source, directory, first, module] = process.argv.slice(2);
const { nodeFiles } = await import(source);
await import(first);
const unlock = await nodeFiles.lock(directory);
if (what === 'refused') await nodeFiles.lock(directory).catch(() => {});
if (what === 'unlocked') await unlock();
await import(module);
process.exit();
