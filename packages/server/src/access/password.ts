import { randomBytes, type ScryptOptions, scrypt } from 'node:crypto';

/** Cost of new hashes: 32 MB and some 60 ms each. The logarithm of N is in each hash. */
const COST_LOG = 15;
const BLOCK_SIZE = 8;
const PARALLELIZATION = 1;
const SALT_SIZE = 16;
const HASH_SIZE = 32;

/** What a file may ask for: beyond, a single check would take seconds or gigabytes. */
const COST_LOG_MAX = 20;

/** A password as it is kept: scrypt (RFC 7914) with its parameters. */
export interface PasswordHash {
  readonly costLog: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** Hashes a password for a password file, as `$scrypt$ln=15,r=8,p=1$SALT$HASH`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_SIZE);
  const parameters = {
    costLog: COST_LOG,
    blockSize: BLOCK_SIZE,
    parallelization: PARALLELIZATION,
    salt,
  };
  const hash = await derive(Buffer.from(password), parameters, HASH_SIZE);
  const text = `ln=${COST_LOG},r=${BLOCK_SIZE},p=${PARALLELIZATION}`;
  return `$scrypt$${text}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** Reads what `hashPassword` made; null when it isn't that, or asks for more than is allowed. */
export function parsePasswordHash(text: string): PasswordHash | null {
  const match =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/.exec(
      text,
    );
  if (match === null) return null;
  const [costLog, blockSize, parallelization] = match.slice(1, 4).map(Number) as [
    number,
    number,
    number,
  ];
  const salt = Buffer.from(match[4] as string, 'base64');
  const hash = Buffer.from(match[5] as string, 'base64');
  const isAllowed =
    costLog >= 10 &&
    costLog <= COST_LOG_MAX &&
    blockSize >= 1 &&
    blockSize <= 16 &&
    parallelization >= 1 &&
    parallelization <= 4 &&
    salt.length >= 8 &&
    hash.length >= 16;
  return isAllowed ? { costLog, blockSize, parallelization, salt, hash } : null;
}

/** What Node's scrypt takes for a hash. */
export function scryptOptions({
  costLog,
  blockSize,
  parallelization,
}: Pick<PasswordHash, 'costLog' | 'blockSize' | 'parallelization'>): ScryptOptions {
  return {
    N: 2 ** costLog,
    r: blockSize,
    p: parallelization,
    maxmem: 256 * 2 ** costLog * blockSize,
  };
}

function derive(
  password: Uint8Array,
  { salt, ...parameters }: Omit<PasswordHash, 'hash'>,
  size: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, size, scryptOptions(parameters), (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
