import { JWT_ALGORITHMS, JWT_PLACES } from '@promptmq/auth';
import type { z } from 'zod';
import {
  choice,
  duration,
  flag,
  integer,
  list,
  map,
  pathOrNone,
  size,
  text,
} from '../../values/units.ts';
import { asking } from './provider.ts';

const DAY_MS = 86_400_000;

const KEYS = ['secretFile', 'publicKey', 'jwksFile', 'jwksUrl'] as const;

/** A list of some words. */
function listOf<Word extends string>(words: readonly Word[]) {
  return list(words.length)
    .refine(
      (written) => written.length > 0 && written.every((one) => words.some((word) => word === one)),
      `one or more of ${words.join(', ')}`,
    )
    .transform((written) => written as readonly Word[]);
}

/** Clients that have a token of a trusted issuer. */
export const jwtProvider = asking({
  from: listOf(JWT_PLACES)
    .prefault(['password'])
    .describe(
      'where clients have their tokens; with auth-method by AUTH, with the methods JWT and CUSTOM-JWT',
    ),
  algorithms: listOf(JWT_ALGORITHMS).describe(
    'signatures that tokens may have; all have to fit the key',
  ),
  secretFile: pathOrNone()
    .prefault(null)
    .describe('file of the secret that the issuer signs with, for HS256, HS384 and HS512'),
  secretEncoding: choice('raw', 'base64').prefault('raw').describe('how that file is written'),
  publicKey: pathOrNone()
    .prefault(null)
    .describe("file of the issuer's public key or certificate, in PEM"),
  jwksFile: pathOrNone()
    .prefault(null)
    .describe('file of a JSON Web Key Set, read again when a token names a key that it lacks'),
  jwksUrl: text(2000).prefault('').describe('the same from a server, by https:// or http://'),
  jwksCa: pathOrNone()
    .prefault(null)
    .describe("file of certificates that are trusted for it instead of the system's, in PEM"),
  jwksRefresh: duration(1000, DAY_MS)
    .prefault('5m')
    .describe('how old a key set may be until it is read again'),
  jwksMaxAge: duration(1000, 365 * DAY_MS)
    .prefault('1d')
    .describe('how long the last keys are believed while none can be read'),
  issuer: text(2000).prefault('').describe('what the claim iss has to be; empty for anything'),
  audience: list(100)
    .prefault([])
    .describe('one of these has to be in the claim aud; empty for anything'),
  userNameClaim: text(1000)
    .prefault('sub')
    .describe('claim that has the user name; dots lead into objects'),
  verify: map(100)
    .prefault({})
    .describe('what claims have to be, by name; ${clientid} and ${username} are those of CONNECT'),
  aclClaim: text(1000)
    .prefault('acl')
    .describe('claim that has access rules, in either form of EMQX; empty for none'),
  groupsClaim: text(1000).prefault('').describe('claim that has groups; empty for none'),
  rolesClaim: text(1000).prefault('').describe('claim that has roles; empty for none'),
  attributesClaim: text(1000)
    .prefault('client_attrs')
    .describe('claim that has attributes, an object of texts; empty for none'),
  superuserClaim: text(1000)
    .prefault('')
    .describe('claim that is true for those who may do everything; empty for none'),
  clockTolerance: duration(0, 3_600_000)
    .prefault('0s')
    .describe("by how much the issuer's clock may be another one"),
  requireExp: flag().prefault(false).describe('whether a token without exp is refused'),
  disconnectAfterExpire: flag()
    .prefault(true)
    .describe('whether a client is disconnected (0x87) when its token has expired'),
  maxTokenSize: size(100, 65_535)
    .prefault('16KiB')
    .describe('what is larger is no token: those of large directories have a few KiB'),
  maxConcurrent: integer(1, 64)
    .prefault(2)
    .describe(
      'tokens that are checked at the same time: each takes a thread of the four that also write the log, for a fraction of a millisecond',
    ),
  maxWaiting: integer(0, 1_000_000)
    .prefault(1000)
    .describe(
      'tokens that wait for that; a client beyond them is answered that the broker is busy',
    ),
}).superRefine((options, context) => {
  const given = KEYS.filter((name) => options[name] !== null && options[name] !== '');
  if (given.length === 1) return;
  context.addIssue('it takes one of secret-file, public-key, jwks-file and jwks-url');
});

export type JwtSection = z.output<typeof jwtProvider>;
