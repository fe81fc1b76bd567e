export type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from '@promptmq/auth';
export type { DropReason } from '@promptmq/session';
export { type Config, ConfigError, type ConfigInput, parseConfig } from './config/index.ts';
export { EmbedError, type EmbedErrorCode } from './embed/calls/embed-error.ts';
export type { BrokerBanList, NewBan } from './embed/clients/ban-list.ts';
export type { ClientFilter } from './embed/clients/client-filter.ts';
export type { ClientInfo, ClientSubscription } from './embed/clients/client-info.ts';
export type {
  ClientMessage,
  ClientMessageOptions,
  ClientMessagePage,
} from './embed/clients/client-messages.ts';
export type {
  ClientDisconnectOptions,
  ClientListOptions,
  ClientPage,
  Clients,
} from './embed/clients/clients.ts';
export type { ClientSubscribeRequest } from './embed/clients/on-behalf.ts';
export type {
  ListedSubscription,
  SubscriptionListOptions,
  SubscriptionPage,
} from './embed/clients/subscription-list.ts';
export type { ClientMeasure, ClientTopOptions } from './embed/clients/top-clients.ts';
export type { InsideMessage } from './embed/consume/inside-message.ts';
export type { InsideSubscribeOptions } from './embed/consume/inside-options.ts';
export type {
  InsideCloseOptions,
  InsideSubscription,
} from './embed/consume/inside-subscription.ts';
export { type BrokerExtras, createBroker, startBroker } from './embed/create-broker.ts';
export type { PublishExplanation, PublishQuestion } from './embed/explain/explain.ts';
export type { AccessExplanation, AccessQuestion } from './embed/explain/explain-access.ts';
export type { DeliveryQuestion } from './embed/explain/explain-delivery.ts';
export type { HistoryOptions, HistoryPage } from './embed/explain/list-history.ts';
export type { Reconfiguration } from './embed/reconfigure.ts';
export type {
  Retained,
  RetainedInfo,
  RetainedMatchOptions,
  RetainedPage,
} from './embed/retained/retained.ts';
export type { RunningBroker } from './embed/running-broker.ts';
export type { ClientOrigin, StreamOptions } from './embed/streams/streams.ts';
export type { TopicLevel, TopicLevels, TopicLevelsOptions } from './embed/topics/topic-levels.ts';
export type {
  FilterPage,
  SharedGroupInfo,
  SharedGroupPage,
  SharedMemberInfo,
  TopicListOptions,
  Topics,
} from './embed/topics/topics.ts';
export type { BrokerUsers, UserCommand, UserCommandAnswer } from './embed/users/users.ts';
export type { HistoryEntry, HistoryType, SubscriptionFacts } from './history/entry.ts';
export type { WhyAnswer } from './history/why/answer.ts';
export type { WhyCause, WhyCode } from './history/why/cause.ts';
export { HookError, type HookFailure } from './hooks/hook-error.ts';
export type {
  AuthenticateAnswer,
  AuthenticateVerdict,
  HookAcl,
  HookAnswer,
  HookAttributes,
  HookClient,
  HookConnection,
  HookCredentials,
  HookMessage,
  HookName,
  HookSubscription,
  Hooks,
  HookVerdict,
  PreConnectAnswer,
  TransformAnswer,
  TransformVerdict,
} from './hooks/hooks.ts';
export type { InsideProperties, InsidePublication } from './inside/inside-message.ts';
export type { InsidePublished } from './inside/inside-publish.ts';
export type { Listener } from './listeners/listener.ts';
export { createLogger, type Logger } from './log/index.ts';
export type {
  Alarm,
  AnalyticsItem,
  AnalyticsQuestion,
  AnalyticsReport,
  BrokerMonitor,
  MonitorSample,
  MonitorValues,
  SlowSubscription,
  Watermarks,
} from './monitor/index.ts';
export type {
  SlowSubscriber,
  TopicMetric,
  TopicMetricChange,
  TopicRate,
} from './observability/index.ts';
export type { ExplainedReason, ExplainedRecipient, Explanation } from './routing/explanation.ts';
export type { BrokerStats, RefusalReason } from './runtime/stats.ts';
export type { TraceEvent, TraceListener } from './tracing/client-traces.ts';
export type {
  AckEvent,
  BrokerEventListener,
  BrokerEventMap,
  BrokerEventName,
  ConnectEvent,
  DisconnectEvent,
  DropEvent,
  EventClient,
  EventOptions,
  PublishEvent,
  RefuseEvent,
  SubscribeEvent,
  UnsubscribeEvent,
} from './tracing/event-types.ts';
export type { MessageInfo } from './tracing/message-info.ts';
