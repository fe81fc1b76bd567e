/** Signatures that a token may have; the specification's names (RFC 7518, RFC 8037). `none` is not among them. */
export const JWT_ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** Where a client has its token: in the password or the user name of CONNECT, or in the Authentication Data of AUTH (§4.12). */
export const JWT_PLACES = ['password', 'user-name', 'auth-method'] as const;

export type JwtPlace = (typeof JWT_PLACES)[number];

/** Where the keys are by which tokens are checked. */
export type JwtKeyOptions =
  /** A secret that the issuer has, too, for HS256, HS384 and HS512. */
  | { readonly kind: 'secret-file'; readonly path: string; readonly encoding: 'raw' | 'base64' }
  /** A public key or a certificate in PEM. */
  | { readonly kind: 'public-key'; readonly path: string }
  /** A JSON Web Key Set (RFC 7517), read again when a token names a key that isn't in it. */
  | { readonly kind: 'jwks-file'; readonly path: string }
  /** The same from an HTTP server. */
  | {
      readonly kind: 'jwks-url';
      readonly url: string;
      /** A file of certificates in PEM to be trusted instead of the system's; null for those. */
      readonly caFile: string | null;
      /** Milliseconds for one request. */
      readonly timeout: number;
    };

export interface JwtOptions {
  readonly from: readonly JwtPlace[];
  /** At least one; all have to fit the key. */
  readonly algorithms: readonly JwtAlgorithm[];
  readonly keys: JwtKeyOptions;
  /** How old a key set may be until it is read again, in milliseconds. */
  readonly jwksRefresh: number;
  /** How long the keys of the last set that could be read are believed, in milliseconds. */
  readonly jwksAgeMax: number;
  /** What `iss` has to be; null for anything. */
  readonly issuer: string | null;
  /** One of which `aud` has to have; empty for anything. */
  readonly audience: readonly string[];
  /** The claim that has the user name. */
  readonly userNameClaim: string;
  /** What claims have to be, by name: texts with `${clientid}` and `${username}`, which stand for what CONNECT has. */
  readonly verify: Readonly<Record<string, string>>;
  /** The claim that has access rules, as `aclFromClaim` reads them; null: it is not looked at. */
  readonly aclClaim: string | null;
  readonly groupsClaim: string | null;
  readonly rolesClaim: string | null;
  /** The claim that has attributes: an object of texts. */
  readonly attributesClaim: string | null;
  /** The claim that says, by `true`, that the client may do everything. */
  readonly superuserClaim: string | null;
  /** By how much the issuer's clock may be another one, in milliseconds. */
  readonly clockTolerance: number;
  /** Whether a token without `exp` is refused. */
  readonly requiresExpiry: boolean;
  /** Whether a client is disconnected when its token has expired. */
  readonly disconnectsAfterExpiry: boolean;
  /** Bytes of a token. */
  readonly tokenBytesMax: number;
  /** Tokens that are checked at the same time: each takes a thread of the pool that also writes the log. */
  readonly concurrentMax: number;
  /** Tokens that wait to be checked. */
  readonly waitingMax: number;
}

/** What is so where a configuration says nothing else. */
export const JWT_DEFAULTS = {
  from: ['password'],
  jwksRefresh: 300_000,
  jwksAgeMax: 86_400_000,
  issuer: null,
  audience: [],
  userNameClaim: 'sub',
  verify: {},
  aclClaim: 'acl',
  groupsClaim: null,
  rolesClaim: null,
  attributesClaim: 'client_attrs',
  superuserClaim: null,
  clockTolerance: 0,
  requiresExpiry: false,
  disconnectsAfterExpiry: true,
  tokenBytesMax: 16_384,
  concurrentMax: 2,
  waitingMax: 1000,
} as const satisfies Omit<JwtOptions, 'algorithms' | 'keys'>;
