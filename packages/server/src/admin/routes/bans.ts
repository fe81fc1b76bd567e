import type { Operation } from '../api/operation.ts';

export const banOperations: readonly Operation[] = [];
