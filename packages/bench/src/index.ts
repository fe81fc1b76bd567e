export { BenchError } from './bench-error.ts';
export { type FrameSink, FrameWalker, HEAD_SIZE_MAX } from './client/frame-walker.ts';
export type { Version } from './client/frames.ts';
export { parseTarget, type Target, type TargetOptions } from './client/target.ts';
export { runCommand } from './command/command.ts';
export type { RunOptions } from './load/run.ts';
export { measure } from './measure.ts';
export { Histogram, type Percentiles } from './report/histogram.ts';
export {
  latencyPlot,
  memoryPlot,
  type NamedLatency,
  type NamedMemory,
  plots,
  type ResultSeries,
  throughputPlot,
} from './report/plots.ts';
export { type ProcessUsage, readProcessUsage } from './report/process-usage.ts';
export {
  type BrokerUsage,
  type GeneratorUsage,
  labelOf,
  type MemoryPoint,
  type Progress,
  type ProgressListener,
  type Result,
} from './report/result.ts';
export { type BarChart, barChart, type LineChart, lineChart } from './report/svg.ts';
export { formatBytes, formatCount, formatLoss, formatMicros, formatTable } from './report/table.ts';
export {
  makeScenario,
  PATTERN_NAMES,
  PATTERNS,
  type Pattern,
  type Scenario,
  type ScenarioInput,
} from './scenario.ts';
export { type SoakOptions, type SoakReport, soak } from './soak/soak.ts';
export { type Check, type SoakSample, steadiness } from './soak/verdict.ts';
