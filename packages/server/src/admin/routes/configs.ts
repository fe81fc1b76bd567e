import type { Operation } from '../api/operation.ts';

export const configOperations: readonly Operation[] = [];
