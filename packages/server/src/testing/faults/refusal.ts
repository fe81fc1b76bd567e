import { type Packet, type ProtocolVersion, ReasonCode } from '@promptmq/codec';

/** What a client gets in the place of the broker's answer. */
export interface Refusal {
  readonly answer: Packet | null;
  /** The connection is closed after it. */
  readonly closes: boolean;
}

/** CONNACK return codes of MQTT 3.1.1 and 3.1 (§3.2.2.3 there), by reason code of MQTT 5. */
const RETURN_CODES: Readonly<Record<number, number>> = {
  [ReasonCode.UnsupportedProtocolVersion]: 1,
  [ReasonCode.ClientIdentifierNotValid]: 2,
  [ReasonCode.BadUserNameOrPassword]: 4,
  [ReasonCode.NotAuthorized]: 5,
};
const SERVER_UNAVAILABLE = 3;

/** SUBACK of MQTT 3.1.1 knows one failure (§3.9.3 there). */
const SUBSCRIBE_FAILED = 0x80;

/** The packets that can be refused. */
export const REFUSED_TYPES = ['CONNECT', 'PUBLISH', 'SUBSCRIBE', 'UNSUBSCRIBE'] as const;

/** The answer to a packet that is refused, as its protocol version has one. */
export function refusalOf(packet: Packet, reasonCode: number, version: ProtocolVersion): Refusal {
  const isFormer = version < 5;
  switch (packet.cmd) {
    case 'connect': {
      const code = isFormer
        ? { returnCode: RETURN_CODES[reasonCode] ?? SERVER_UNAVAILABLE }
        : { reasonCode };
      return { answer: { cmd: 'connack', sessionPresent: false, ...code }, closes: true };
    }
    case 'subscribe': {
      const code = isFormer ? SUBSCRIBE_FAILED : reasonCode;
      const granted = packet.subscriptions.map(() => code);
      return { answer: { cmd: 'suback', messageId: packet.messageId, granted }, closes: false };
    }
    case 'unsubscribe': {
      // Before MQTT 5, an UNSUBACK can't say no.
      const { messageId, unsubscriptions } = packet;
      if (isFormer) return { answer: null, closes: true };
      const granted = unsubscriptions.map(() => reasonCode);
      return { answer: { cmd: 'unsuback', messageId, granted }, closes: false };
    }
    case 'publish': {
      // Before MQTT 5, a message can only be refused by closing; at QoS 0 it is lost in all versions.
      if (packet.qos === 0) return { answer: null, closes: false };
      if (isFormer) return { answer: null, closes: true };
      const cmd = packet.qos === 1 ? 'puback' : 'pubrec';
      const messageId = packet.messageId as number;
      return { answer: { cmd, messageId, reasonCode }, closes: false };
    }
    default:
      return { answer: null, closes: false };
  }
}
