import type { Operation } from '../api/operation.ts';

export const listenerOperations: readonly Operation[] = [];
