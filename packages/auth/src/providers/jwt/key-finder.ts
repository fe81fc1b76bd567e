import type { CompactVerifyGetKey } from 'jose';

/** Finds the key for a token. */
export interface KeyFinder {
  /** What tells its keys from those of another configuration. No secret. */
  readonly identity: string;
  /** As libraries of tokens ask for keys. */
  readonly find: CompactVerifyGetKey;
  close(): void;
}
