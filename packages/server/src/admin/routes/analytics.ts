import type { Operation } from '../api/operation.ts';

export const analyticsOperations: readonly Operation[] = [];
