/** @promptmq/bench, built when it is not. */
import { buildIfNeeded } from '../../lib/prepare.js';

buildIfNeeded();

export const {
  formatBytes,
  formatCount,
  formatLoss,
  formatMicros,
  latencyPlot,
  lineChart,
  memoryPlot,
  parseTarget,
  readProcessUsage,
  soak,
  steadiness,
  throughputPlot,
} = await import('../../../packages/bench/dist/index.js');
