import type { AckPacket } from './packets/ack.ts';
import type { AuthPacket } from './packets/auth.ts';
import type { ConnackPacket } from './packets/connack.ts';
import type { ConnectPacket } from './packets/connect.ts';
import type { DisconnectPacket } from './packets/disconnect.ts';
import type { PingreqPacket, PingrespPacket } from './packets/ping.ts';
import type { PublishPacket } from './packets/publish.ts';
import type { SubackPacket, SubscribePacket } from './packets/subscribe.ts';
import type { UnsubackPacket, UnsubscribePacket } from './packets/unsubscribe.ts';

/**
 * A control packet as an object, in the shape and with the names of mqtt-packet's types, so that tools can move
 * between the two. Strings are decoded UTF-8; binary fields are `Uint8Array`.
 *
 * Buffers inside a decoded packet are views into the decoded bytes: copy what is kept for longer
 * than the bytes themselves are.
 */
export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;
