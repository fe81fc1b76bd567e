import type { Caller, Scope } from '../api/operation.ts';

/** Says to another process of this broker for whom it is asked. */
export const CALLER_HEADER = 'x-promptmq-caller';

/** The value of the header. */
export function callerText({ name, kind, scopes, address }: Caller): string {
  return encodeURIComponent(JSON.stringify({ name, kind, scopes: [...scopes], address }));
}

/** Reads what `callerText` has written: only processes of this broker can send it. */
export function callerOf(text: string): Caller {
  const { scopes, ...others } = JSON.parse(decodeURIComponent(text)) as Omit<Caller, 'scopes'> & {
    readonly scopes: readonly Scope[];
  };
  return { ...others, scopes: new Set(scopes) };
}
