import { inspect } from 'node:util';
import type { HookName } from './hooks.ts';

/** Of what a hook returned, so much is shown. */
const SHOWN_LENGTH_MAX = 200;

/** How a hook failed: it threw or was rejected, answered with what it may not, or took longer than `hooks.timeout`. */
export const HOOK_FAILURES = ['threw', 'invalid-answer', 'timeout'] as const;
export type HookFailure = (typeof HOOK_FAILURES)[number];

/** A hook of the program failed; what it was asked for is refused. */
export class HookError extends Error {
  override readonly name = 'HookError';
  readonly hook: HookName;
  readonly failure: HookFailure;
  /** Whom it was asked for. */
  readonly clientId: string;

  /** @param cause - what it threw */
  constructor(
    hook: HookName,
    failure: HookFailure,
    clientId: string,
    message: string,
    cause?: unknown,
  ) {
    super(`hook ${hook} ${message}`, cause === undefined ? undefined : { cause });
    this.hook = hook;
    this.failure = failure;
    this.clientId = clientId;
  }
}

/** A hook has answered with what it may not; the message says with what, and what it may. */
export class InvalidAnswer extends Error {}

/** A value as a hook returned it, for people. */
export function shown(value: unknown): string {
  const text = inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}
