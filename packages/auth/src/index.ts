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
export type { CertificateFacts, Credentials } from './credentials.ts';
export {
  COMMAND_NAMES,
  type CommandReport,
  type ControlRequest,
} from './dynamic/commands/request.ts';
export type { DocumentChange } from './dynamic/documents.ts';
export {
  type ControlOutcome,
  DynamicSecurity,
  type DynamicSecurityOptions,
} from './dynamic/dynamic-security.ts';
export type { DynamicState } from './dynamic/state.ts';
export type {
  Provider,
  ProviderAllowance,
  ProviderAnswer,
  ProviderDenial,
  ProviderPass,
  ProviderTools,
} from './provider.ts';
export {
  JWT_ALGORITHMS,
  JWT_DEFAULTS,
  type JwtAlgorithm,
  type JwtKeyOptions,
  type JwtOptions,
  type JwtPlace,
} from './providers/jwt/jwt-options.ts';
export { createJwtProvider } from './providers/jwt/jwt-provider.ts';
export { ProviderOptionError } from './providers/option-error.ts';
