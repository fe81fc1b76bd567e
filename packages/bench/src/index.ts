export { BenchError } from './bench-error.ts';
export { runCommand } from './command.ts';
export { type FrameSink, FrameWalker, HEAD_SIZE_MAX } from './frame-walker.ts';
export type { Version } from './frames.ts';
export { Histogram, type Percentiles } from './histogram.ts';
export { measure } from './measure.ts';
export {
  latencyPlot,
  memoryPlot,
  type NamedLatency,
  type NamedMemory,
  plots,
  type ResultSeries,
  throughputPlot,
} from './plots.ts';
export { type ProcessUsage, readProcessUsage } from './process-usage.ts';
export {
  type BrokerUsage,
  type GeneratorUsage,
  labelOf,
  type MemoryPoint,
  type Progress,
  type ProgressListener,
  type Result,
} from './result.ts';
export type { RunOptions } from './run.ts';
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
export { type BarChart, barChart, type LineChart, lineChart } from './svg.ts';
export { formatBytes, formatCount, formatLoss, formatMicros, formatTable } from './table.ts';
export { parseTarget, type Target, type TargetOptions } from './target.ts';
