import { randomBytes } from 'node:crypto';
import { prepared } from './prepared.ts';
import {
  hashOf,
  hmacOf,
  SCRAM_METHODS,
  type ScramMethod,
  saltedPasswordOf,
  sizeOf,
} from './scram-hash.ts';

/** The least that RFC 7677 wants, and what still is no burden for clients: it is they who have to make them. */
const ITERATIONS_MIN = 4096;
const ITERATIONS_MAX = 1_000_000;
const NEW_ITERATIONS = 10_000;
const NEW_SALT_SIZE = 16;

/**
 * What a server keeps of a password for SCRAM (RFC 5802, 3). Who has it can't log in by it, but can play the server, and try
 * passwords.
 */
export interface ScramSecret {
  readonly method: ScramMethod;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/**
 * Makes a secret of a password: some 10 ms of the processor, in the thread that calls it.
 *
 * @throws {Error} when the password has characters that SASLprep doesn't allow
 */
export function makeScramSecret(
  method: ScramMethod,
  password: string,
  iterations = NEW_ITERATIONS,
  salt: Uint8Array = randomBytes(NEW_SALT_SIZE),
): ScramSecret {
  const text = prepared(password);
  if (text === null) throw new Error('the password has characters that SCRAM does not allow');
  const saltedPassword = saltedPasswordOf(method, text, salt, iterations);
  const clientKey = hmacOf(method, saltedPassword, 'Client Key');
  return {
    method,
    iterations,
    salt: Buffer.from(salt),
    storedKey: hashOf(method, clientKey),
    serverKey: hmacOf(method, saltedPassword, 'Server Key'),
  };
}

/** As a file has it, and PostgreSQL does: `SCRAM-SHA-256$10000:SALT$STORED-KEY:SERVER-KEY`. */
export function formatScramSecret(secret: ScramSecret): string {
  const { method, iterations, salt, storedKey, serverKey } = secret;
  const [saltText, storedText, serverText] = [salt, storedKey, serverKey].map((bytes) =>
    bytes.toString('base64'),
  );
  return `${method}$${iterations}:${saltText}$${storedText}:${serverText}`;
}

/** @returns null when it is none, or has fewer than 4,096 or more than 1,000,000 iterations */
export function parseScramSecret(text: string): ScramSecret | null {
  const match =
    /^(SCRAM-SHA-\d{3})\$(\d{1,7}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2}):([A-Za-z0-9+/]+={0,2})$/.exec(
      text,
    );
  const method = SCRAM_METHODS.find((name) => name === match?.[1]);
  if (match === null || method === undefined) return null;
  const iterations = Number(match[2]);
  const [salt, storedKey, serverKey] = match
    .slice(3)
    .map((part) => Buffer.from(part, 'base64')) as [Buffer, Buffer, Buffer];
  const isWhole =
    iterations >= ITERATIONS_MIN &&
    iterations <= ITERATIONS_MAX &&
    salt.length >= 8 &&
    storedKey.length === sizeOf(method) &&
    serverKey.length === sizeOf(method);
  return isWhole ? { method, iterations, salt, storedKey, serverKey } : null;
}
