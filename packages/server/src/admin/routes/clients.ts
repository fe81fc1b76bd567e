import type { Operation } from '../api/operation.ts';

export const clientOperations: readonly Operation[] = [];
