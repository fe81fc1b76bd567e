/** Imported first of all: says in one line what an old Node.js would say by an exception of something imported later. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`promptmq: it needs Node.js 20.19 or newer, and this is ${process.version}`);
  process.exit(1);
}
