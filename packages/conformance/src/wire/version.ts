/** Protocol levels: MQTT 3.1, 3.1.1 and 5. */
export type Version = 3 | 4 | 5;

/** How people call them. */
export const VERSION_NAMES: Readonly<Record<Version, string>> = {
  3: 'MQTT 3.1',
  4: 'MQTT 3.1.1',
  5: 'MQTT 5.0',
};

export function doesNotSpeak(version: Version): string {
  return `the target does not speak ${VERSION_NAMES[version]}`;
}
