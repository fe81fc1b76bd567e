import type {
  AuthenticateHandler,
  AuthorizeForwardHandler,
  AuthorizePublishHandler,
  AuthorizeSubscribeHandler,
  PreConnectHandler,
  PublishedHandler,
} from './types.ts';

/** What the topics that a broker publishes itself begin with. */
export const SYSTEM = '$SYS/';

// What is done where the program has no handler of its own.
export const allowConnection: PreConnectHandler = (_client, _packet, callback) =>
  callback(null, true);
export const allowAnyone: AuthenticateHandler = (_client, _name, _password, done) =>
  done(null, true);
export const allowSubscription: AuthorizeSubscribeHandler = (_client, subscription, callback) =>
  callback(null, subscription);
export const forwardAsItIs: AuthorizeForwardHandler = (_client, packet) => packet;
export const doNothing: PublishedHandler = (_packet, _client, callback) => callback(null);
export const allowAllButSystem: AuthorizePublishHandler = (_client, packet, callback) =>
  callback(packet.topic.startsWith(SYSTEM) ? new Error(`${SYSTEM} topic is reserved`) : null);
