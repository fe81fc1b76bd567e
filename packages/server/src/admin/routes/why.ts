import type { Operation } from '../api/operation.ts';

export const whyOperations: readonly Operation[] = [];
