export {
  Acl,
  type AclAction,
  AclClaimError,
  type AclDefaults,
  type AclFilter,
  type AclMembers,
  type AclRule,
  ALLOWED_BY_DEFAULT,
  aclFromClaim,
  DENIED_BY_DEFAULT,
  type Decision,
  EVERY_ACTION,
  type Identity,
  isMosquittoAcl,
  isPresenceTopic,
  type MosquittoAclProblem,
  Networks,
  networkFault,
  Permissions,
  type PermissionsOptions,
  parseMosquittoAcl,
  permissionsOf,
  placeholderFault,
  SUBSCRIBING,
} from './acl/index.ts';
export type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from './authentication-method.ts';
export type { Authorization, AuthorizeRequest } from './authorization.ts';
export {
  BAN_KINDS,
  type Ban,
  BanError,
  type BanKind,
  parseNetwork,
} from './bans/ban.ts';
export { Bans, type BansOptions } from './bans/bans.ts';
export { FlappingDetector, type FlappingLimits } from './bans/flapping.ts';
export {
  type Admission,
  type Admitted,
  admitted,
  REFUSAL_REASONS,
  type RefusalReason,
  type Refused,
  refused,
} from './chain/admission.ts';
export type { Failure, SetTimer } from './chain/asked.ts';
export { Chain, type ChainEntry, type ChainOptions } from './chain/chain.ts';
export type { CertificateFacts, Credentials } from './credentials.ts';
export {
  COMMAND_NAMES,
  type CommandReport,
  type ControlRequest,
} from './dynamic/commands/request.ts';
export type { DocumentChange } from './dynamic/documents.ts';
export { createDynamicProvider, type DynamicProviderOptions } from './dynamic/dynamic-provider.ts';
export {
  type ControlOutcome,
  DynamicSecurity,
  type DynamicSecurityOptions,
} from './dynamic/dynamic-security.ts';
export type { DynamicState } from './dynamic/state.ts';
export {
  GuessThrottle,
  type GuessWatch,
  type ThrottleLimits,
  type ThrottleVerdict,
} from './passwords/guess-throttle.ts';
export { HashThreads, hashPassword, type Verification } from './passwords/hash-threads.ts';
export type {
  CheckerLimits,
  PasswordSource,
  PasswordVerdict,
} from './passwords/password-checker.ts';
export { PasswordChecker } from './passwords/password-checker.ts';
export type { PasswordFile, PasswordFileProblem } from './passwords/password-file.ts';
export {
  parsePasswordFile,
  putUser,
  removeUser,
  whyNoUserName,
} from './passwords/password-file.ts';
export type { HashCost, PasswordHash } from './passwords/password-hash.ts';
export { isSameHash, parsePasswordHash } from './passwords/password-hash.ts';
export type { PasswordFileOptions } from './passwords/password-provider.ts';
export { createPasswordFileProvider } from './passwords/password-provider.ts';
export type { Comparison } from './passwords/password-users.ts';
export { PasswordUsers } from './passwords/password-users.ts';
export type { ProvedUser } from './proved-user.ts';
export type {
  Provider,
  ProviderAllowance,
  ProviderAnswer,
  ProviderDenial,
  ProviderPass,
  ProviderTools,
  ReadKeySet,
} from './provider.ts';
export {
  CERTIFICATE_FIELDS,
  type CertificateField,
  type CertificateOptions,
  createCertificateProvider,
} from './providers/certificate/certificate.ts';
export {
  CLIENT_PLACEHOLDERS,
  HTTP_DEFAULTS,
  HTTP_FORMATS,
  type HttpFormatName,
  type HttpOptions,
  REQUEST_PLACEHOLDERS,
} from './providers/http/http-options.ts';
export { createHttpProvider } from './providers/http/http-provider.ts';
export {
  JWT_ALGORITHMS,
  JWT_DEFAULTS,
  JWT_PLACES,
  type JwtAlgorithm,
  type JwtKeyOptions,
  type JwtOptions,
  type JwtPlace,
} from './providers/jwt/jwt-options.ts';
export { createJwtProvider } from './providers/jwt/jwt-provider.ts';
export {
  LDAP_DEFAULTS,
  type LdapGroupOptions,
  type LdapOptions,
  type LdapUserOptions,
} from './providers/ldap/ldap-options.ts';
export { createLdapProvider } from './providers/ldap/ldap-provider.ts';
export { ProviderOptionError } from './providers/option-error.ts';
export { type PskFileProblem, PskKeys, parsePskFile } from './providers/psk/psk-file.ts';
export { createPskProvider } from './providers/psk/psk-provider.ts';
export { SCRAM_METHODS, type ScramMethod } from './providers/scram/scram-hash.ts';
export { createScramProvider, type ScramOptions } from './providers/scram/scram-provider.ts';
export {
  formatScramSecret,
  makeScramSecret,
  type ScramSecret,
} from './providers/scram/scram-secret.ts';
export { putScramUser, type ScramFileProblem, ScramUsers } from './providers/scram/scram-users.ts';
