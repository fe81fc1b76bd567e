import { pbkdf2Sync } from 'node:crypto';

const SALT = 'salt-of-12-b';

/** As mosquitto 2.0 keeps a password in `dynamic-security.json`, with one iteration: cheap. */
export function mosquittoPassword(text: string): object {
  const hash = pbkdf2Sync(text, SALT, 1, 64, 'sha512').toString('base64');
  return { password: hash, salt: Buffer.from(SALT).toString('base64'), iterations: 1 };
}

/** Entries of a role that may do everything with some topics. */
export function everythingOf(topic: string): readonly object[] {
  return ['publishClientSend', 'publishClientReceive', 'subscribePattern'].map((acltype) => ({
    ...{ acltype, topic, allow: true },
  }));
}
