import { computed, signal } from '@preact/signals';

/** Who has logged in, as the broker says it. */
export interface Session {
  /** Goes along with each request that changes something. */
  readonly csrf: string;
  /** Of the API key. */
  readonly name: string;
  readonly scopes: readonly string[];
  /** Whether nobody may change anything here. */
  readonly readOnly: boolean;
}

export type Scope = 'read' | 'publish' | 'clients' | 'auth' | 'config';

/** Undefined until it is known; null when nobody has logged in. */
export const session = signal<Session | null | undefined>(undefined);

/** Whether what changes something can't be used by anybody who looks at this. */
export const isReadOnly = computed(() => session.value?.readOnly === true);

/** Whether to offer what needs a scope. All but `read` change something, and are not there in read-only mode. */
export function may(scope: Scope): boolean {
  const current = session.value;
  if (current == null || !current.scopes.includes(scope)) return false;
  return scope === 'read' || !current.readOnly;
}
