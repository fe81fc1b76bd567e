export { allCases } from './all-cases.ts';
export type { ConformanceCase } from './case.ts';
export { Context, type Operator, type Subject } from './client/context.ts';
export { ConformanceError, RawClient } from './client/raw-client.ts';
export {
  type Credentials,
  parseTarget,
  type Target,
  type TargetAddress,
  TargetError,
  type TargetOptions,
} from './client/target.ts';
export { type CommandOptions, runCommand } from './command/command.ts';
export { hostileCases } from './hostile/all-cases.ts';
export type { Area, HostileCase } from './hostile/case.ts';
export type { OwnHostileTarget } from './hostile/command/command.ts';
export { HostileContext, type HostileTarget } from './hostile/context.ts';
export { RawSocket, type TlsVersions } from './hostile/raw-socket.ts';
export {
  countHostile,
  type HostileCounts,
  type HostileJson,
  type HostileSubject,
  hostileJson,
  hostileMarkdown,
} from './hostile/report/report.ts';
export { type HostileResult, type HostileRunOptions, runHostile } from './hostile/run.ts';
export { NotTriedError } from './not-tried.ts';
export {
  type Counts,
  countResults,
  type JsonReport,
  jsonReport,
  markdownReport,
  type ReportSubject,
} from './report/report.ts';
export {
  type StatementResult,
  statementResults,
  statementTable,
  table31,
  untested,
} from './report/tables.ts';
export { askBroker, type BrokerAnswers } from './run/ask-broker.ts';
export {
  type CaseResult,
  type OwnBroker,
  type RunOptions,
  runAllCases,
  runCases,
  runOwnCase,
  type StartBroker,
} from './run/run.ts';
export type { Part } from './wire/bytes.ts';
export type { ConnectOptions, PublishOptions } from './wire/client-packets.ts';
export type { Received, ReceivedPacket, Type } from './wire/server-packet.ts';
export type { Version } from './wire/version.ts';
