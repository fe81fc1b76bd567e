export { Admin, type AdminProcess } from './admin.ts';
export { type AdminStatus, adminRequest, adminStream } from './admin-client.ts';
export { AdminServer } from './admin-server.ts';
export { adminSocketOf } from './admin-socket.ts';
export { ApiError } from './api/api-error.ts';
export type { ShownMessage } from './api-requests.ts';
export { type ApiKey, makeApiKey, whyNoKeyName } from './keys/api-key.ts';
export { keyFileOf, readKeyFile, writeKeyFile } from './keys/key-file.ts';
