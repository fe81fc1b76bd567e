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
