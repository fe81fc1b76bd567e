export { type AdminStatus, adminRequest, adminStream } from './admin-client.ts';
export { AdminServer } from './admin-server.ts';
export { adminSocketOf } from './admin-socket.ts';
export type { ShownMessage } from './api-requests.ts';
