import type { Operation } from '../api/operation.ts';

export const logOperations: readonly Operation[] = [];
