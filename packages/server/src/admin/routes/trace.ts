import type { Operation } from '../api/operation.ts';

export const traceOperations: readonly Operation[] = [];
