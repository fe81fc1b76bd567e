import type { Target } from './client/target.ts';
import { checkBrokerPid, Run, type RunOptions } from './load/run.ts';
import { runConnect } from './patterns/connect.ts';
import { runIdle } from './patterns/idle.ts';
import { runOffline, runRetained } from './patterns/store.ts';
import { runStream } from './patterns/stream.ts';
import type { Result } from './report/result.ts';
import { makeScenario, type Scenario, type ScenarioInput } from './scenario.ts';

/**
 * Measures one scenario, and leaves nothing behind at the broker: no session, no retained message.
 *
 * @throws {BenchError} when the broker can't be reached, refuses, or closes a connection
 */
export async function measure(
  target: Target,
  input: ScenarioInput,
  options: RunOptions = {},
): Promise<Result> {
  checkBrokerPid(options.brokerPid ?? null);
  const run = new Run(target, makeScenario(input), options);
  try {
    return await runPattern(run.scenario, run);
  } catch (error) {
    run.destroy();
    throw error;
  }
}

function runPattern({ pattern }: Scenario, run: Run): Promise<Result> {
  switch (pattern) {
    case 'pairs':
    case 'fan-in':
    case 'fan-out':
    case 'wildcard':
    case 'shared':
    case 'topics':
    case 'persistent':
    case 'fairness':
      return runStream(run);
    case 'idle':
      return runIdle(run);
    case 'connect':
      return runConnect(run);
    case 'retained':
      return runRetained(run);
    case 'offline':
      return runOffline(run);
  }
}
