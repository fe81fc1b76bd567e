import type { Operation } from '../api/operation.ts';

export const retainedOperations: readonly Operation[] = [];
