import { createHash, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import type { CompactVerifyGetKey } from 'jose';
import type { ProviderTools } from '../../provider.ts';
import { readOptionFile, readSecretFile } from '../files.ts';
import { ProviderOptionError } from '../option-error.ts';
import { JwksKeys } from './jwks-keys.ts';
import { fileSource, urlSource } from './jwks-source.ts';
import type { JwtAlgorithm, JwtOptions } from './jwt-options.ts';
import type { KeyFinder } from './key-finder.ts';

/**
 * The keys that options name.
 *
 * @throws {ProviderOptionError} when they can't be read, or don't fit the algorithms
 */
export function openKeys(
  { keys, algorithms, ...times }: JwtOptions,
  tools: ProviderTools,
): KeyFinder {
  const isSymmetric = keys.kind === 'secret-file';
  for (const algorithm of algorithms) {
    if (algorithm.startsWith('HS') === isSymmetric) continue;
    throw new ProviderOptionError(
      'algorithms',
      isSymmetric
        ? `${algorithm} takes a public key; with secret-file there are HS256, HS384 and HS512`
        : `${algorithm} takes secret-file; a public key would be a secret that everybody knows`,
    );
  }
  if (keys.kind === 'secret-file') return secretKey(keys.path, keys.encoding, algorithms);
  if (keys.kind === 'public-key') return publicKey(keys.path, algorithms);
  const source = keys.kind === 'jwks-file' ? fileSource(keys) : urlSource(keys);
  const set = new JwksKeys(source, { refresh: times.jwksRefresh, ageMax: times.jwksAgeMax }, tools);
  set.begin();
  return set;
}

function secretKey(
  path: string,
  encoding: 'raw' | 'base64',
  algorithms: readonly JwtAlgorithm[],
): KeyFinder {
  const text = readSecretFile('secret-file', path);
  if (encoding === 'base64' && !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) {
    throw new ProviderOptionError('secret-file', `${path} is not Base64 (secret-encoding: base64)`);
  }
  const secret = Buffer.from(text, encoding === 'raw' ? 'utf8' : 'base64');
  for (const algorithm of algorithms) {
    // RFC 7518, 3.2: else it can be guessed from any token.
    const needed = Number(algorithm.slice(2)) / 8;
    if (secret.length >= needed) continue;
    throw new ProviderOptionError(
      'secret-file',
      `${path} has a secret of ${secret.length} bytes; ${algorithm} needs ${needed} or more`,
    );
  }
  return oneKey('secret', createSecretKey(secret));
}

function publicKey(path: string, algorithms: readonly JwtAlgorithm[]): KeyFinder {
  const pem = readOptionFile('public-key', path, 65_536);
  if (pem.includes('PRIVATE KEY-----')) {
    throw new ProviderOptionError(
      'public-key',
      `${path} has a private key, which belongs to the issuer alone; give the broker the public one`,
    );
  }
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new ProviderOptionError('public-key', `${path} has no public key or certificate in PEM`);
  }
  for (const algorithm of algorithms) {
    const needed = neededKey(algorithm);
    if (needed.fits(key)) continue;
    throw new ProviderOptionError(
      'public-key',
      `${path} has ${describe(key)}; ${algorithm} needs ${needed.text}`,
    );
  }
  return oneKey('public', key);
}

function oneKey(kind: string, key: KeyObject): KeyFinder {
  const bytes = key.type === 'secret' ? key.export() : key.export({ type: 'spki', format: 'der' });
  const find = () => Promise.resolve(key);
  return {
    identity: `${kind} ${createHash('sha256').update(bytes).digest('base64')}`,
    find: find as CompactVerifyGetKey,
    close: () => {},
  };
}

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
};

function neededKey(algorithm: JwtAlgorithm): { text: string; fits: (key: KeyObject) => boolean } {
  if (algorithm === 'EdDSA') {
    return { text: 'a key of Ed25519', fits: (key) => key.asymmetricKeyType === 'ed25519' };
  }
  const curve = CURVES[algorithm];
  if (curve !== undefined) {
    return {
      text: `an EC key of the curve ${curve}`,
      fits: (key) => key.asymmetricKeyDetails?.namedCurve === curve,
    };
  }
  return {
    text: 'an RSA key of 2048 bits or more',
    fits: (key) =>
      key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048,
  };
}

function describe(key: KeyObject): string {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  return `a key of the kind ${[key.asymmetricKeyType, namedCurve, modulusLength].filter((part) => part !== undefined).join(' ')}`;
}
