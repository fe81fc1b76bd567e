import { countIn } from '../runtime/stats.ts';
import { checkHooks, HOOK_NAMES } from './check-hooks.ts';
import { HOOK_FAILURES, type HookError } from './hook-error.ts';
import type { Hooks } from './hooks.ts';
import type { HooksHost } from './host.ts';

/** The hooks of a broker. What is asked of them is asked for one client: see `ClientHooks`. */
export class BrokerHooks {
  readonly functions: Hooks;
  readonly host: HooksHost;

  /** @throws {ConfigError} for what is no hook, or no function */
  constructor(functions: Hooks, host: HooksHost) {
    checkHooks(functions);
    this.functions = functions;
    this.host = host;
    for (const name of HOOK_NAMES) {
      if (functions[name] === undefined) continue;
      for (const failure of HOOK_FAILURES) host.stats.hookFailures.set(`${name} ${failure}`, 0);
    }
  }

  /** Whether who a client is is asked of a hook. */
  get proveUsers(): boolean {
    return this.functions.authenticate !== undefined;
  }

  /** Whether a hook is asked for each message that is sent. */
  get asksDeliver(): boolean {
    return this.functions.authorizeDeliver !== undefined;
  }

  /** Counts and logs that a hook failed. */
  note(error: HookError, address: string): void {
    const { stats, clientLog } = this.host;
    const { hook, failure, clientId, message, cause } = error;
    countIn(stats.hookFailures, `${hook} ${failure}`);
    const stack =
      cause instanceof Error && typeof cause.stack === 'string'
        ? { stack: cause.stack.slice(0, 4000) }
        : {};
    clientLog.error('hook-failed', { hook, failure, clientId, address, why: message, ...stack });
    this.host.onFault(error);
  }
}
