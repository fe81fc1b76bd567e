export type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from './authentication-method.ts';
export type { CertificateFacts, Credentials } from './credentials.ts';
export type {
  Provider,
  ProviderAllowance,
  ProviderAnswer,
  ProviderDenial,
  ProviderPass,
  ProviderTools,
} from './provider.ts';
