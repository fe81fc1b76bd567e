import { ConfigError, type ConfigProblem, nearest } from '../config/index.ts';
import { inShort } from './hook-error.ts';
import type { HookName, Hooks } from './hooks.ts';

/** All hooks that there are. */
export const HOOK_NAMES: readonly HookName[] = [
  'preConnect',
  'authenticate',
  'authorizePublish',
  'authorizeSubscribe',
  'authorizeDeliver',
  'transform',
];

/**
 * Checks what a program gives as hooks.
 *
 * @throws {ConfigError} for what is no hook, or no function; it names the key, and what is allowed
 */
export function checkHooks(hooks: Hooks): void {
  const problems: ConfigProblem[] = [];
  const refuse = (key: string, message: string) => {
    problems.push({ key, source: 'extras', message });
  };
  if (typeof hooks !== 'object' || hooks === null || Array.isArray(hooks)) {
    refuse('hooks', `${inShort(hooks)} is no object; it takes ${HOOK_NAMES.join(', ')}`);
    throw new ConfigError(problems);
  }
  for (const key of Object.keys(hooks)) {
    if ((HOOK_NAMES as readonly string[]).includes(key)) continue;
    const meant = nearest(key, HOOK_NAMES);
    const hint = meant === null ? '' : `; did you mean ${meant}?`;
    refuse(`hooks.${key}`, `there is no such hook; there are ${HOOK_NAMES.join(', ')}${hint}`);
  }
  for (const name of HOOK_NAMES) {
    const hook: unknown = hooks[name];
    if (hook === undefined || typeof hook === 'function') continue;
    refuse(`hooks.${name}`, `it takes a function, and got ${inShort(hook)}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
