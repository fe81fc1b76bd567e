import type { Operation } from '../api/operation.ts';

export const monitorOperations: readonly Operation[] = [];
