/** Who may connect, and what each may do, for how long: devices with a token as their password. */

/** From one address, within a minute. */
const FAILURES_MAX = 5;

export class DeviceHooks {
  #tokens;
  #directory;
  /** How often clients of an address were refused. */
  #failures = new Map();

  /**
   * @param tokens - checks what a device shows
   * @param directory - `find(name, signal)` promises what is known of a device, or null: a database, or a service
   */
  constructor(tokens, directory) {
    this.#tokens = tokens;
    this.#directory = directory;
    setInterval(() => this.#failures.clear(), 60_000).unref();
  }

  preConnect({ remoteAddress }) {
    if ((this.#failures.get(hostOf(remoteAddress)) ?? 0) < FAILURES_MAX) return true;
    return { allow: false, reasonCode: 0x8a, reasonString: 'too many wrong tokens' }; // Banned
  }

  async authenticate(client, { password }, signal) {
    const claims = this.#tokens.verify(password?.toString() ?? '');
    const device = claims === null ? null : await this.#directory.find(claims.sub, signal);
    if (device === null) {
      const host = hostOf(client.remoteAddress);
      this.#failures.set(host, (this.#failures.get(host) ?? 0) + 1);
      return { allow: false, reasonCode: 0x86, reasonString: 'no valid token' };
    }
    return {
      allow: true,
      userName: claims.sub,
      attributes: { home: device.home }, // for the hooks below, and broker.clients
      expiresAt: claims.exp * 1000,
    };
  }

  /** Asked for each message, so it answers at once. */
  authorizePublish({ attributes }, { topic }) {
    return topic.startsWith(`homes/${attributes.home}/`);
  }

  /** Asked again when a session is resumed: what the directory says may have changed. */
  async authorizeSubscribe({ userName }, { topicFilter }, signal) {
    const device = await this.#directory.find(userName, signal);
    return device !== null && topicFilter.startsWith(`homes/${device.home}/`);
  }
}

function hostOf(remoteAddress) {
  return remoteAddress.slice(0, remoteAddress.lastIndexOf(':'));
}
