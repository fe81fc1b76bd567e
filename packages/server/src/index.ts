export type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from './authentication.ts';
export type { TraceEvent, TraceListener } from './client-traces.ts';
export { type Config, ConfigError, type ConfigInput, parseConfig } from './config/index.ts';
export {
  type BrokerExtras,
  createBroker,
  type RunningBroker,
  startBroker,
} from './create-broker.ts';
export type { Listener } from './listeners/listener.ts';
export { createLogger, type Logger } from './log/index.ts';
export type { SlowSubscriber } from './observability/index.ts';
export type { Reconfiguration } from './reconfigure.ts';
export type { BrokerStats, RefusalReason } from './stats.ts';
