export { MetricsHub } from './metrics-hub.ts';
export { Supervisor, WorkerRefusal } from './supervisor.ts';
export { Worker, type WorkerBroker } from './worker.ts';
export {
  adminSocket,
  type FromWorker,
  metricsSocket,
  type ToWorker,
  type WorkerLabel,
  type WorkerListener,
  type WorkerStart,
} from './worker-messages.ts';
