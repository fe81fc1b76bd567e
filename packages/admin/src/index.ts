export {
  type AdminClient,
  createAdminClient,
  dataOf,
  type HttpTarget,
  type SocketTarget,
} from './admin-client.ts';
export { AdminError } from './admin-error.ts';
export { eventsOf, type ServerEvent } from './server-events.ts';
