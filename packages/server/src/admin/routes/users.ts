import type { Operation } from '../api/operation.ts';

export const userOperations: readonly Operation[] = [];
