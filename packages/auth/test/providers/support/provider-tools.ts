import type { Credentials, ProviderTools, ReadKeySet } from '../../../src/index.ts';

/** What a provider is given in tests: a clock that is set, and a log that is read. */
export class TestTools implements ProviderTools {
  /** Milliseconds since 1970. */
  time = Date.UTC(2030, 0, 1);
  keySets?: Map<string, ReadKeySet>;
  readonly lines: { level: string; event: string; fields: Readonly<Record<string, unknown>> }[] =
    [];

  readonly now = () => this.time;
  readonly log: ProviderTools['log'] = (level, event, fields) => {
    this.lines.push({ level, event, fields });
  };

  /** The events that were logged. */
  get events(): string[] {
    return this.lines.map(({ event }) => event);
  }
}

export const NEVER = new AbortController().signal;

/** What a client says of itself: as a client of MQTT 5 by TCP that says nothing else. */
export function credentialsOf(
  given: Partial<Omit<Credentials, 'password'>> & {
    readonly password?: string | Uint8Array | null;
  } = {},
): Credentials {
  const { password = null, ...more } = given;
  return {
    clientId: 'client-1',
    userName: null,
    address: '192.0.2.7',
    protocol: 'tcp',
    version: 5,
    cleanStart: true,
    keepAlive: 60,
    listener: 'tcp-1883',
    certificate: null,
    pskIdentity: null,
    ...more,
    password: typeof password === 'string' ? Buffer.from(password) : password,
  };
}
