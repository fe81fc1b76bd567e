/**
 * Has the broker look at sockets and pipes, and fails when a module can't be imported afterwards:
 * `node import-after.mjs WHAT PATH FIRST MODULE`. FIRST is a module that is imported before, from where MODULE is.
 */
const [what, path, first, module] = process.argv.slice(2);
const dist = (name) => import(new URL(`../../dist/${name}`, import.meta.url));

const { AdminServer } = await dist('admin/admin-server.js');
const { readKeyFile } = await dist('admin/keys/key-file.js');
const { readFileBytes } = await dist('config/files/text-file.js');
const { WatchedFiles } = await dist('config/files/watched-files.js');
const { LogFile } = await dist('log/log-file.js');
const { exposedFiles } = await dist('service/exposed-files.js');

const looks = {
  'stale socket': () => AdminServer.start({}, path, () => {}, {}),
  'exposed folder': () => {
    const storage = { enabled: true, walDir: path, dataDir: path };
    if (exposedFiles({ storage, log: { file: null } }).length === 0) throw new Error('not exposed');
  },
  'key file': () => refused(() => readKeyFile(path)),
  'text file': () => refused(() => readFileBytes(path, 'key')),
  'watched file': () => new WatchedFiles([path]),
  'log file': () =>
    refused(() => new LogFile(path, { maxSize: 1e6, maxFiles: 1, compress: false })),
};

function refused(look) {
  try {
    look();
  } catch {
    return;
  }
  throw new Error(`${what} was not refused`);
}

await import(first);
await looks[what]();
await import(module);
process.exit();
