import type { Operation } from '../api/operation.ts';

export const storageOperations: readonly Operation[] = [];
