import type { Admission, Chain, ChainEntry, Credentials } from '@promptmq/auth';
import { type Config, ConfigError, type ConfigProblem, chainsOf } from '../../config/index.ts';
import { makeChain } from './make-chain.ts';
import type { AccessTools } from './tools.ts';

/** The chain of a configuration, and those of listeners that have their own. */
export class ListenerChains {
  readonly #common: Chain;
  /** By the names of listeners. */
  readonly #own: ReadonlyMap<string, Chain>;
  /** Of all chains, in the order in which each asks them. */
  readonly entries: readonly Required<ChainEntry>[];

  /** @throws {ConfigError} with all that is wrong with any of them */
  constructor(config: Pick<Config, 'auth' | 'listeners' | 'server'>, tools: AccessTools) {
    const problems: ConfigProblem[] = [];
    const made: { readonly listener: string | null; readonly chain: Chain }[] = [];
    for (const { items, key, listener } of chainsOf(config)) {
      try {
        made.push({ listener, chain: makeChain(items, key, tools, config.auth) });
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        for (const problem of error.problems) problems.push(problem);
      }
    }
    if (problems.length > 0) {
      for (const { chain } of made) void chain.close();
      throw new ConfigError(problems);
    }
    this.#common = made.find(({ listener }) => listener === null)?.chain as Chain;
    this.#own = new Map(made.map(({ listener, chain }) => [listener ?? '', chain]));
    this.entries = made.flatMap(({ chain }) => chain.entries);
  }

  /** @param listener - its name; empty for clients that came by none */
  of(listener: string): Chain {
    return this.#own.get(listener) ?? this.#common;
  }

  authenticate(credentials: Credentials, gone?: AbortSignal): Admission | Promise<Admission> {
    return this.of(credentials.listener).authenticate(credentials, gone);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#own.values()].map((chain) => chain.close()));
  }
}
