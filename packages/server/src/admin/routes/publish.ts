import type { Operation } from '../api/operation.ts';

export const publishOperations: readonly Operation[] = [];
