import type { Client } from '../types.ts';

/** The client that programs see, as it is written to here. */
export type Face = { -readonly [Key in keyof Client]: Client[Key] };
