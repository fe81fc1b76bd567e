/** Requires what it is told, and imports it: both give the same, without a warning. */
const assert = require('node:assert/strict');

process.on('warning', (warning) => {
  throw warning;
});
const entries = process.argv.slice(2);
const required = entries.map((entry) => require(entry));

async function compare() {
  for (const [index, entry] of entries.entries()) {
    const imported = await import(entry);
    // A module may say itself what `require` gives.
    if ('module.exports' in imported) {
      assert.equal(required[index], imported['module.exports'], entry);
      continue;
    }
    assert.deepEqual(Object.keys(required[index]), Object.keys(imported), entry);
    for (const [name, value] of Object.entries(imported)) {
      assert.equal(required[index][name], value, `${name} of ${entry}`);
    }
  }
  const { createBroker } = required[entries.indexOf('@promptmq/server')];
  const broker = await createBroker();
  await broker.stop();
}

void compare();
