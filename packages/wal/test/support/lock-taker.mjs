/**
 * A process that locks a directory when it is asked to, and keeps it until it is killed or asked to give it back:
 * `node lock-taker.mjs MODULE` with a channel of `fork`, MODULE being the package's.
 *
 *   { lock: directory }   answered by { isHeld, message }; with `hasSockets: false`, as where there can be none
 *   { unlock: true }      answered by { isHeld: false }
 */
const { nodeFiles } = await import(process.argv[2]);
const { lockDirectory } = await import(new URL('files/directory-lock.js', process.argv[2]));

let unlock = async () => {};
process.on('disconnect', () => process.exit());
process.on('message', async (message) => {
  try {
    if (message.hasSockets === false) unlock = await lockDirectory(message.lock, undefined, false);
    else if ('lock' in message) unlock = await nodeFiles.lock(message.lock);
    else await unlock();
    process.send({ isHeld: 'lock' in message, message: '' });
  } catch (error) {
    process.send({ isHeld: false, message: `${error.code}: ${error.message}` });
  }
});
process.send({ isReady: true });
