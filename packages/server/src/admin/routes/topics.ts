import type { Operation } from '../api/operation.ts';

export const topicOperations: readonly Operation[] = [];
