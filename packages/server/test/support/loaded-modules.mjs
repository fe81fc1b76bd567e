/**
 * What a program loads that embeds a broker, and what that leaves in its process: `node loaded-modules.mjs JSON`, with
 *
 *   { "options": {} | null, "logs": false }    the options of createBroker; null: the package is only imported
 *
 * Prints, as JSON, the packages of which anything was loaded, what of the broker's own was loaded that only the command
 * line or tests need, how long that took, and what the process has more than before when the broker runs and when it has stopped.
 * With `--time` nothing looks at what is loaded, as that takes longer than loading it.
 */
import { createRequire, register } from 'node:module';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';

const { options, logs } = JSON.parse(process.argv[2]);
const isTimed = process.argv[3] === '--time';

const { port1: loads, port2: port } = new MessageChannel();
const hook = `
let port;
export function initialize(given) { port = given; }
export async function load(url, context, next) {
  port.postMessage(url);
  return next(url, context);
}`;
if (!isTimed) {
  register(`data:text/javascript,${encodeURIComponent(hook)}`, {
    data: port,
    transferList: [port],
  });
}
loads.unref();

const before = state();
const startedAt = performance.now();
const { createBroker, createLogger } = await import('@promptmq/server');
const importMs = performance.now() - startedAt;
let running = null;
let startMs = 0;
if (options !== null) {
  const logger = logs ? await createLogger({ level: 'error', format: 'json' }) : undefined;
  const broker = await createBroker(options, logger === undefined ? {} : { logger });
  startMs = performance.now() - startedAt - importMs;
  running = addedTo(before);
  await broker.stop();
  // Node forgets what was closed at the end of a turn of its event loop.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const files = [...received(), ...Object.keys(createRequire(import.meta.url).cache)];
const paths = files.map((file) => decodeURIComponent(file).replaceAll('\\', '/'));
process.stdout.write(
  JSON.stringify({
    packages: [...new Set(paths.map(packageOf))].filter((name) => name !== null).sort(),
    ofCommand: paths.filter((path) =>
      /\/server\/dist\/(cli|admin|testing)\/|\/wal\/dist\/testing\//.test(path),
    ),
    milliseconds: { import: Math.round(importMs), start: Math.round(startMs) },
    running,
    left: addedTo(before),
  }),
);
port.close();

function* received() {
  for (;;) {
    const found = receiveMessageOnPort(loads);
    if (found === undefined) return;
    yield found.message;
  }
}

/** The package that a file belongs to; null for those of Node and of this test. */
function packageOf(path) {
  const outside = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
  if (outside !== undefined) return outside;
  const own = /\/packages\/([^/]+)\/dist\//.exec(path)?.[1];
  return own === undefined ? null : `@promptmq/${own}`;
}

/** What keeps the process running, and who listens to its events, with counts. */
function state() {
  const listeners = process
    .eventNames()
    .flatMap((name) => Array(process.listenerCount(name)).fill(`process.on ${String(name)}`));
  return [...process.getActiveResourcesInfo(), ...listeners].sort();
}

function addedTo(former) {
  const rest = [...former];
  return state().filter((one) => {
    const at = rest.indexOf(one);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
