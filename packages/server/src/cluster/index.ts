export { AskedQuestions } from './asked-questions.ts';
export { CellEnd, type HostedBroker } from './cell/cell-end.ts';
export { type CellClaim, CellHost } from './cell/cell-host.ts';
export { engineOf } from './cell/cluster-engine.ts';
export { type ConnectedEngine, EngineAhead } from './cell/engine-ahead.ts';
export { type CellLoss, LogLost } from './cell/lost-log.ts';
export { OwnLog } from './cell/own-log.ts';
export { linkTermsOf } from './links/link-terms.ts';
export { MetricsHub, type ObservedWorkers } from './metrics-hub.ts';
export { ClusterNode } from './node/cluster-node.ts';
export { comparedSettings } from './node/compared-settings.ts';
export { Supervisor, type SupervisorOptions, WorkerRefusal } from './supervisor.ts';
export { Worker, type WorkerBroker } from './worker.ts';
export {
  adminSocket,
  type FromWorker,
  metricsSocket,
  type ToWorker,
  type WorkerClaim,
  type WorkerLabel,
  type WorkerListener,
  type WorkerStart,
} from './worker-messages.ts';
