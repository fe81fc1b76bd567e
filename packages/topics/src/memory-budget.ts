/** Memory of one kind: how much is taken, how much may be, and how often more was needed. Others may take of it, too. */
export interface MemoryBudget {
  /** Bytes that are taken. */
  bytes: number;
  /** Bytes that may be taken at most. */
  readonly max: number;
  /** How often there was not enough. */
  refusals: number;
}

/** A budget without a limit. */
export function newUnlimitedBudget(): MemoryBudget {
  return { bytes: 0, max: Number.POSITIVE_INFINITY, refusals: 0 };
}
