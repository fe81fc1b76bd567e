/** Lines of a mosquitto configuration that most of them have. */
const MOSQUITTO_OPTION =
  /^(listener|port|bind_address|allow_anonymous|password_file|acl_file|persistence|persistence_location|log_dest|log_type|include_dir|pid_file|per_listener_settings|cafile|certfile|keyfile|connection|protocol|max_\w+|autosave_interval|user|socket_domain|require_certificate|plugin|auth_plugin)([ \t]|$)/m;
const MOSQUITTO_RULE = /^[ \t]*(topic|pattern)[ \t]+((read|write|readwrite|deny)[ \t]+)?\S+/m;
// A name ends with its line, or each line would be read to the end of the file.
const PASSWORD_LINE = /^[^:\s#][^:\n]*:\$(scrypt|6|7|2[abxy]|argon2\w*|y|5|1|apr1)\$/m;

/**
 * Says what a file looks like that isn't what was asked for, and what to do; null when it looks like nothing that is
 * known here.
 *
 * @param key - the option that names it
 */
export function foreignFile(text: string, key: string): string | null {
  if (/^-----BEGIN [A-Z ]+-----/m.test(text)) {
    return 'it looks like a certificate or key; those are named by server.tls.cert, key and ca';
  }
  if (PASSWORD_LINE.test(text)) {
    return key === 'auth.password-file'
      ? null
      : 'it looks like a password file; that is named by auth.password-file';
  }
  if (MOSQUITTO_RULE.test(text)) {
    return key === 'auth.acl-file'
      ? 'it has lines of an ACL file of mosquitto, which begins with user, topic or pattern; this one begins otherwise'
      : 'it looks like an ACL file of mosquitto; that is named by auth.acl-file';
  }
  if (MOSQUITTO_OPTION.test(text) && !/^(server|mqtt|auth|storage|metrics|log):/m.test(text)) {
    return 'it looks like a configuration of mosquitto; --config takes YAML with sections, such as `server: { bind: 0.0.0.0:1883 }` for `listener 1883`: see docs/configuration.md';
  }
  if (key === '--config' && /^rules:/m.test(text)) {
    return 'it looks like an ACL file; that is named by auth.acl-file';
  }
  if (key !== '--config' && /^(server|mqtt|auth|storage|metrics|log|cluster):/m.test(text)) {
    return 'it looks like a configuration of this broker; that is named by --config';
  }
  return null;
}
