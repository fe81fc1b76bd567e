/** Texts that mean something to JavaScript, to MQTT, to files or to rules. */
export const TEXTS: readonly string[] = [
  ...["$'", '$&', '$`', '$1', '%c', '%u', '%s', '{}', '__proto__', 'constructor', 'toString'],
  ...['a', 'b', 'a/b', 'a//b', '/', '//', 'a/b/c/d/e', '../../etc', '$SYS/broker', '$SYS', '$x/y'],
  ...['\u{1f600}', '\ufeff', 'ä', '\u007f', ' ', 'x'.repeat(300), `${'d/'.repeat(200)}d`],
  ...['$CONTROL/dynamic-security/v1', '$share/g/a', '$inside/x', '+', '#', 'a/+', 'own/%c'],
];

/** Longer than any topic that people use. */
export const LONG = 'l'.repeat(16_400);

/** Few, so that clients meet on them. */
export const TOPICS: readonly string[] = ['a', 'a/b', 'a/c', 'b', 'b/c/d', 'a/b/c/d/e', '$x/y'];

export const FILTERS: readonly string[] = [
  ...['#', '+', '+/+', 'a/#', '+/b', 'a', 'a/b', '$SYS/#', '$x/#', 'a/+/#', 'b/+/d'],
  ...['$share/g/#', '$share/g/a/+', '$share/h/a', '$share/g/a/b'],
];

/** Few, so that sessions are taken over and come back. */
export const CLIENT_IDS: readonly string[] = [
  ...Array.from({ length: 20 }, (_, index) => `c${index}`),
  ...["$'", '', ''],
];
