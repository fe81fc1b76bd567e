import type { Operation } from '../api/operation.ts';

export const explainOperations: readonly Operation[] = [];
