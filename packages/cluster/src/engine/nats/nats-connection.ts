import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { EngineError } from '../engine.ts';
import type { NatsModules } from './nats-modules.ts';
import type { NatsCredentials, SetNatsOptions } from './nats-options.ts';

/** A server that doesn't answer is left after twice this time, in milliseconds. */
const PING_MS = 1_000;

/**
 * @param purpose - what servers show of the connection
 * @throws {EngineError} `unavailable`, `unsuitable`
 */
export async function openConnection(
  { transport }: NatsModules,
  { servers, credentials, tls, timeoutMs }: SetNatsOptions,
  purpose: string,
): Promise<NatsConnection> {
  const options: NodeConnectionOptions = {
    servers: [...servers],
    name: `promptmq ${purpose}`,
    timeout: Math.max(2_000, timeoutMs),
    pingInterval: PING_MS,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    noAsyncTraces: true,
    ...(tls === undefined ? {} : { tls }),
    ...authentication(transport, credentials),
  };
  try {
    return await transport.connect(options);
  } catch (cause) {
    const isRefused = cause instanceof transport.errors.UserAuthenticationExpiredError;
    const isForbidden = cause instanceof transport.errors.AuthorizationError;
    const text = `NATS at ${servers.join(', ')}: ${(cause as Error).message}`;
    throw new EngineError(isRefused || isForbidden ? 'unsuitable' : 'unavailable', text, { cause });
  }
}

function authentication(
  { credsAuthenticator }: NatsModules['transport'],
  credentials: NatsCredentials | undefined,
): Pick<NodeConnectionOptions, 'user' | 'pass' | 'token' | 'authenticator'> {
  if (credentials === undefined) return {};
  if ('user' in credentials) return { user: credentials.user, pass: credentials.password };
  if ('token' in credentials) return { token: credentials.token };
  return { authenticator: credsAuthenticator(credentials.creds) };
}
