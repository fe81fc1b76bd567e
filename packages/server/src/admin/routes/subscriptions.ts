import type { Operation } from '../api/operation.ts';

export const subscriptionOperations: readonly Operation[] = [];
