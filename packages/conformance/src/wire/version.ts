/** Protocol levels: MQTT 3.1, 3.1.1 and 5. */
export type Version = 3 | 4 | 5;
