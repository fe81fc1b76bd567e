import { Chain, type ChainEntry } from '@promptmq/auth';
import {
  allowsAnonymous,
  type ChainItem,
  type Config,
  ConfigError,
  type ConfigProblem,
  toKebabCase,
} from '../../config/index.ts';
import { kindOf, makeProvider, termsOf } from './factories.ts';
import type { AccessTools } from './tools.ts';

/**
 * Makes the providers of a chain.
 *
 * @param key - of the chain, for errors
 * @throws {ConfigError} with all that is wrong with any of them
 */
export function makeChain(
  items: readonly ChainItem[],
  key: string,
  tools: AccessTools,
  auth: Config['auth'],
): Chain {
  const problems: ConfigProblem[] = [];
  const entries: ChainEntry[] = [];
  const counts = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const kind = toKebabCase(kindOf(item));
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const name = count === 1 ? kind : `${kind}-${count}`;
    try {
      const provider = makeProvider(item, `${key}[${index}].${kind}`, tools, auth);
      entries.push({ provider, name, ...termsOf(item) });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.push(problem);
    }
  }
  if (problems.length > 0) {
    for (const { provider } of entries) void provider.close?.();
    throw new ConfigError(problems);
  }
  return new Chain(entries, {
    allowsAnonymous: allowsAnonymous({ auth }, items),
    cachedAnswersMax: auth.cachedAnswers,
    now: tools.now,
    setTimer: tools.setTimer,
    onFailed: tools.onProviderFailed,
  });
}
