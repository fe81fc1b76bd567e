export { negotiateFormat } from './accept.ts';
export {
  type Answer,
  BoundedServer,
  type BoundedServerOptions,
  type CutConnections,
  type ListenAddress,
} from './bounded-server.ts';
export { type Catalogue, checkCatalogue, type MetricDefinition } from './definition.ts';
export { documentCatalogue } from './document.ts';
export { BucketHistogram, exponentialBounds } from './histogram.ts';
export {
  type ExpositionFormat,
  type HistogramValue,
  type Labels,
  MetricsRegistry,
  type Reader,
  type Sample,
} from './metrics-registry.ts';
export {
  type MetricsServer,
  type MetricsServerOptions,
  startMetricsServer,
} from './metrics-server.ts';
export { type EventLoopLag, ProcessMonitor } from './process-monitor.ts';
export {
  type Check,
  type CheckResult,
  type Checks,
  type Readiness,
  runChecks,
} from './readiness.ts';
