/** Who may connect, and for how long: devices with a token as their password. */

const FAILURES_MAX = 5;

export class DeviceHooks {
  #tokens;
  #directory;
  /** How often clients of an address were refused since one of it was let in. */
  #failures = new Map();

  /**
   * @param tokens - checks what a device shows
   * @param directory - `find(name, signal)` promises what is known of a device, or null: a database, or a service
   */
  constructor(tokens, directory) {
    this.#tokens = tokens;
    this.#directory = directory;
  }

  preConnect({ remoteAddress }) {
    if ((this.#failures.get(hostOf(remoteAddress)) ?? 0) < FAILURES_MAX) return true;
    return { allow: false, reasonCode: 0x8a, reasonString: 'too many wrong tokens' }; // Banned
  }

  async authenticate(client, { password }, signal) {
    const host = hostOf(client.remoteAddress);
    const claims = this.#tokens.verify(password?.toString() ?? '');
    const device = claims === null ? null : await this.#directory.find(claims.sub, signal);
    if (device === null) {
      this.#failures.set(host, (this.#failures.get(host) ?? 0) + 1);
      return { allow: false, reasonCode: 0x86, reasonString: 'no valid token' };
    }
    this.#failures.delete(host);
    return {
      allow: true,
      userName: claims.sub,
      attributes: { home: device.home },
      // %u is the user name; the broker checks this by itself.
      acl: {
        publish: ['homes/%u/#', `homes/${device.home}/#`],
        subscribe: [`homes/${device.home}/#`],
      },
      expiresAt: claims.exp * 1000,
    };
  }
}

function hostOf(remoteAddress) {
  return remoteAddress.slice(0, remoteAddress.lastIndexOf(':'));
}
