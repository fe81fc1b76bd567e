import type { Fates } from '../link/fate.ts';

export const NO_FAULTS: Fates = { of: () => null };
