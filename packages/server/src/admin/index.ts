export { Admin, type AdminProcess, type AdminSubject } from './admin.ts';
export { AdminServer } from './admin-server.ts';
export { adminSocketOf } from './admin-socket.ts';
export { ApiError } from './api/api-error.ts';
export { type ApiKey, makeApiKey, whyNoKeyName } from './keys/api-key.ts';
export { keyFileOf, readKeyFile, writeKeyFile } from './keys/key-file.ts';
