export { changeUsersOperation, UsersChanges } from './changes/change-users.ts';
export { reloadProcesses } from './changes/reload-processes.ts';
export type { ProcessAddress, ServingProcess, ServingProcesses } from './host.ts';
export { followTargetIn, mergedOperations } from './merged-operations.ts';
export { PROCESS_OPERATIONS } from './process-operations.ts';
