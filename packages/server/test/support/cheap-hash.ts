import { randomBytes, scryptSync } from 'node:crypto';

/** A hash for a password file that takes a millisecond or two, and not the sixty of a real one. */
export function cheapHash(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  return `$scrypt$ln=10,r=8,p=1$${salt.toString('base64')}$${hash.toString('base64')}`;
}
