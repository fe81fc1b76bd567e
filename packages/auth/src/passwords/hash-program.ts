/**
 * What a thread that hashes passwords runs. It has the lowest priority, where threads have one of their own: the broker and its
 * log come first. As text, because there is no file that both the sources and the build could name.
 *
 * A message has a password, which is wiped here, and targets. Where the first has a hash, the answer is whether that is the
 * password's; when it isn't, the others are made for their work only. Where it has none, the answer is the hash.
 */
export const HASH_PROGRAM = `
const { parentPort } = require('node:worker_threads');
const { createHash, pbkdf2Sync, scryptSync, timingSafeEqual } = require('node:crypto');
const os = require('node:os');
if (process.platform === 'linux') {
  try { os.setPriority(0, os.constants.priority.PRIORITY_LOW); } catch {}
}
const BCRYPT_LENGTH_MAX = 72;
const ZERO = Uint8Array.of(0);

// What the library doesn't take: no password of a file is empty, nor has one for bcrypt a zero byte.
function isOdd(password, { cost: { algorithm } }) {
  if (algorithm === 'bcrypt') return password.length === 0 || password.includes(0);
  return algorithm === 'argon2id' && password.length === 0;
}

function derive(given, target) {
  const { cost, salt, size, library } = target;
  const password = isOdd(given, target) ? ZERO : given;
  switch (cost.algorithm) {
    case 'scrypt': {
      const { costLog, blockSize: r, parallelization: p } = cost;
      const N = 2 ** costLog;
      return scryptSync(password, salt, size, { N, r, p, maxmem: 256 * N * r * p });
    }
    case 'pbkdf2-sha512':
      return pbkdf2Sync(password, salt, cost.iterations, size, 'sha512');
    case 'sha512':
      return createHash('sha512').update(password).update(salt).digest();
    case 'argon2id':
      return require(library).argon2id({
        password, salt, parallelism: cost.lanes, iterations: cost.passes,
        memorySize: cost.memory, hashLength: size, outputType: 'binary',
      });
    case 'bcrypt':
      return require(library).bcrypt({
        password: password.subarray(0, BCRYPT_LENGTH_MAX), salt,
        costFactor: cost.costLog, outputType: 'binary',
      });
    default:
      throw new Error('unknown algorithm');
  }
}

async function answer(password, [first, ...others]) {
  const key = await derive(password, first);
  if (first.hash === null) return { key };
  const isEqual = timingSafeEqual(key.subarray(0, first.size), first.hash);
  if (isEqual && !isOdd(password, first)) return { isRight: true, count: 1 };
  for (const other of others) await derive(password, other);
  return { isRight: false, count: 1 + others.length };
}

parentPort.on('message', ({ password, targets }) => {
  answer(password, targets)
    .catch((error) => ({ error: String(error) }))
    .then((found) => {
      password.fill(0);
      parentPort.postMessage(found);
    });
});
`;
