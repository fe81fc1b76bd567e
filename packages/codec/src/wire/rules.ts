import type { ProtocolVersion } from './packet-type.ts';

/** The statement or section by which each version's standard demands a check; null where it demands none. */
export type Rule = Readonly<Record<ProtocolVersion, string | null>>;

function rule(v31: string | null, v311: string | null, v5: string | null): Rule {
  return { 3: v31, 4: v311, 5: v5 };
}

/**
 * The checks that are not the same in all versions: which versions have each, and by which rule. MQTT 3.1 has unused
 * bits that should be 0 and are ignored (§2.6 there) where the later versions have reserved ones. A check that all versions
 * have by a rule of the same name is not in this list: its rule is where it is checked.
 */
export const rules = {
  // The fixed header
  packetType0: rule('§2.1', '§2.2.1', '§2.1.2'),
  packetType15: rule('§2.1', '§2.2.1', null),
  sentByThisSide: rule('§2.1', '§2.2.1', '§2.1.2'),
  reservedFlags: rule(null, 'MQTT-2.2.2-2', 'MQTT-2.1.3-1'),
  publishQoS3: rule('§2.1', 'MQTT-3.3.1-4', 'MQTT-3.3.1-4'),
  dupAtQoS0: rule(null, 'MQTT-3.3.1-2', 'MQTT-3.3.1-2'),
  lengthBytesMax: rule('§2.1', '§2.2.3', '§1.5.5'),
  minimalLength: rule(null, null, 'MQTT-1.5.5-1'),
  packetSize: rule('§2.1', '§2.2.3', 'MQTT-3.2.2-15'),
  // All bodies
  truncated: rule('§2.1', '§2.2.3', '§2.1.4'),
  bytesAfterBody: rule('§2.1', 'MQTT-4.8.0-1', '§2.1.4'),
  utf8: rule('§2.5', 'MQTT-1.5.3-1', 'MQTT-1.5.4-1'),
  utf8Null: rule('§2.5', 'MQTT-1.5.3-2', 'MQTT-1.5.4-2'),
  packetId0: rule('§2.4', 'MQTT-2.3.1-1', 'MQTT-2.2.1-3'),
  // CONNECT
  connectFlag0: rule(null, 'MQTT-3.1.2-3', 'MQTT-3.1.2-3'),
  willQoS3: rule('§3.1', 'MQTT-3.1.2-14', 'MQTT-3.1.2-12'),
  willQoSWithoutWill: rule(null, 'MQTT-3.1.2-13', 'MQTT-3.1.2-11'),
  willRetainWithoutWill: rule(null, 'MQTT-3.1.2-15', 'MQTT-3.1.2-13'),
  userNamePresent: rule(null, 'MQTT-3.1.2-19', '§2.1.4'),
  passwordPresent: rule(null, 'MQTT-3.1.2-21', '§2.1.4'),
  passwordWithoutUserName: rule('§3.1', 'MQTT-3.1.2-22', null),
  bytesAfterConnect: rule(null, 'MQTT-4.8.0-1', '§2.1.4'),
  clientIdUtf8: rule('§2.5', 'MQTT-3.1.3-4', 'MQTT-3.1.3-4'),
  userNameUtf8: rule('§2.5', 'MQTT-3.1.3-11', 'MQTT-3.1.3-12'),
  // CONNACK
  connackFlags: rule(null, '§3.2.2.1', 'MQTT-3.2.2-1'),
  connackCode: rule('§3.2', '§3.2.2.3', 'MQTT-3.2.2-8'),
  sessionPresentWithError: rule(null, 'MQTT-3.2.2-4', 'MQTT-3.2.2-6'),
  // SUBSCRIBE, UNSUBSCRIBE and their answers
  subscribeEmpty: rule(null, 'MQTT-3.8.3-3', 'MQTT-3.8.3-2'),
  subscribeQoS3: rule('§3.8', 'MQTT-3.8.3-4', '§3.8.3.1'),
  subscribeReservedBits: rule(null, 'MQTT-3.8.3-4', 'MQTT-3.8.3-5'),
  unsubscribeEmpty: rule(null, 'MQTT-3.10.3-2', 'MQTT-3.10.3-2'),
  multiLevelWildcard: rule('Appendix A', 'MQTT-4.7.1-2', 'MQTT-4.7.1-1'),
  singleLevelWildcard: rule('Appendix A', 'MQTT-4.7.1-3', 'MQTT-4.7.1-2'),
  shareName: rule(null, null, 'MQTT-4.8.2-1'),
  shareFilter: rule(null, null, 'MQTT-4.8.2-2'),
  subackEmpty: rule(null, 'MQTT-3.9.3-1', 'MQTT-3.9.3-2'),
  subackCode: rule('§3.9', 'MQTT-3.9.3-2', 'MQTT-3.9.3-2'),
} as const;

/** The rule to cite for a check that failed: that of MQTT 5 where the version has none, or is not known yet. */
export function cited(rule: Rule, version: ProtocolVersion | null): string {
  return rule[version ?? 5] ?? (rule[5] as string);
}
