import type { Operation } from '../api/operation.ts';

export const eventOperations: readonly Operation[] = [];
