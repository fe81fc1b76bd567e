export type { ProcessAddress, ServingProcess, ServingProcesses } from './host.ts';
export { followTargetIn, mergedOperations } from './merged-operations.ts';
export { PROCESS_OPERATIONS } from './process-operations.ts';
export { reloadProcesses } from './reload-processes.ts';
