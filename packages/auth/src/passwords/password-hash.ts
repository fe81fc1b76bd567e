/** What a hash costs: its algorithm, and the parameters that its time and memory depend on. */
export type HashCost =
  /** RFC 7914; N is 2 to the power of `costLog`. */
  | {
      readonly algorithm: 'scrypt';
      readonly costLog: number;
      readonly blockSize: number;
      readonly parallelization: number;
    }
  /** mosquitto's `$7$`: PBKDF2 (RFC 8018) with HMAC-SHA-512. */
  | { readonly algorithm: 'pbkdf2-sha512'; readonly iterations: number }
  /** mosquitto's `$6$`: SHA-512 of password and salt, once. */
  | { readonly algorithm: 'sha512' }
  /** RFC 9106, version 0x13; memory in KiB. */
  | {
      readonly algorithm: 'argon2id';
      readonly memory: number;
      readonly passes: number;
      readonly lanes: number;
    }
  /** As `htpasswd -B` makes it: of the first 72 bytes of a password. */
  | { readonly algorithm: 'bcrypt'; readonly costLog: number };

/** A password as it is kept. */
export interface PasswordHash {
  readonly cost: HashCost;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** Of new hashes: 32 MB and some 60 ms each. */
export const SCRYPT_COST: HashCost & { readonly algorithm: 'scrypt' } = {
  algorithm: 'scrypt',
  costLog: 15,
  blockSize: 8,
  parallelization: 1,
};
export const SALT_SIZE = 16;
export const HASH_SIZE = 32;

/**
 * What a file may ask for: about a second of one processor, and 256 MiB, for one check. Beyond, a client that only tries
 * passwords could have the broker busy for long, or take its memory.
 */
const SCRYPT_WORK_MAX = 2 ** 21;
const PBKDF2_ITERATIONS_MAX = 1_000_000;
const ARGON2_MEMORY_MAX = 262_144;
const ARGON2_WORK_MAX = 524_288;
const BCRYPT_COST_LOG_MAX = 14;

const SHA512_SIZE = 64;

/**
 * Reads a hash as promptmq passwd, mosquitto_passwd (`$6$`, `$7$`, `$argon2id$`) and htpasswd (`$2y$`, also `$2a$` and `$2b$`)
 * write it.
 *
 * @returns null when it is none of these, or asks for more time or memory than is allowed
 */
export function parsePasswordHash(text: string): PasswordHash | null {
  for (const [beginning, parse] of FORMATS) {
    if (text.startsWith(beginning)) return parse(text);
  }
  return null;
}

/** A hash made by scrypt as a password file has it, as `$scrypt$ln=15,r=8,p=1$SALT$HASH`. */
export function formatScryptHash(salt: Uint8Array, hash: Uint8Array): string {
  const { costLog, blockSize, parallelization } = SCRYPT_COST;
  const parameters = `ln=${costLog},r=${blockSize},p=${parallelization}`;
  return `$scrypt$${parameters}$${base64(salt)}$${base64(hash)}`;
}

/** Whether two entries are of one hash: a user's password is still the same. */
export function isSameHash(one: PasswordHash, other: PasswordHash): boolean {
  return (
    costName(one.cost) === costName(other.cost) &&
    one.salt.equals(other.salt) &&
    one.hash.equals(other.hash)
  );
}

/** One text for each cost. */
export function costName(cost: HashCost): string {
  return Object.values(cost).join(' ');
}

const FORMATS: readonly (readonly [string, (text: string) => PasswordHash | null])[] = [
  ['$scrypt$', parseScrypt],
  ['$7$', parsePbkdf2],
  ['$6$', parseSha512],
  ['$argon2id$', parseArgon2],
  ['$2', parseBcrypt],
];

function parseScrypt(text: string): PasswordHash | null {
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
  const isAllowed =
    costLog >= 10 &&
    blockSize >= 1 &&
    parallelization >= 1 &&
    2 ** costLog * blockSize * parallelization <= SCRYPT_WORK_MAX;
  const cost: HashCost = { algorithm: 'scrypt', costLog, blockSize, parallelization };
  return isAllowed ? kept(cost, match[4], match[5], 16) : null;
}

function parsePbkdf2(text: string): PasswordHash | null {
  const match = /^\$7\$(\d{1,7})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{86}==)$/.exec(text);
  const iterations = Number(match?.[1]);
  if (match === null || iterations < 1 || iterations > PBKDF2_ITERATIONS_MAX) return null;
  return kept({ algorithm: 'pbkdf2-sha512', iterations }, match[2], match[3], SHA512_SIZE);
}

function parseSha512(text: string): PasswordHash | null {
  // Hashes of /etc/shadow begin so, too, and have no padding.
  const match = /^\$6\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{86}==)$/.exec(text);
  return match === null ? null : kept({ algorithm: 'sha512' }, match[1], match[2], SHA512_SIZE);
}

function parseArgon2(text: string): PasswordHash | null {
  const match =
    /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,6}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(
      text,
    );
  if (match === null) return null;
  const [memory, passes, lanes] = match.slice(1, 4).map(Number) as [number, number, number];
  const isAllowed =
    lanes >= 1 &&
    memory >= 8 * lanes &&
    memory <= ARGON2_MEMORY_MAX &&
    passes >= 1 &&
    memory * passes <= ARGON2_WORK_MAX;
  return isAllowed
    ? kept({ algorithm: 'argon2id', memory, passes, lanes }, match[4], match[5], 16)
    : null;
}

function parseBcrypt(text: string): PasswordHash | null {
  const match = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/.exec(text);
  const costLog = Number(match?.[1]);
  if (match === null || costLog < 4 || costLog > BCRYPT_COST_LOG_MAX) return null;
  const cost: HashCost = { algorithm: 'bcrypt', costLog };
  return kept(cost, ordinaryBase64(match[2] as string), ordinaryBase64(match[3] as string), 23);
}

/** bcrypt has an alphabet of its own. */
function ordinaryBase64(text: string): string {
  return text.replace(/./g, (letter) => ORDINARY[BCRYPT.indexOf(letter)] as string);
}

const BCRYPT = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ORDINARY = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function kept(
  cost: HashCost,
  saltText: string | undefined,
  hashText: string | undefined,
  hashSizeMin: number,
): PasswordHash | null {
  const salt = Buffer.from(saltText as string, 'base64');
  const hash = Buffer.from(hashText as string, 'base64');
  const isWhole = salt.length >= 8 && hash.length >= hashSizeMin && hash.length <= SHA512_SIZE;
  return isWhole ? { cost, salt, hash } : null;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
