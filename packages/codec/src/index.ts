export { type EncodeOptions, encode } from './encode.ts';
export {
  FrameDecoder,
  type FrameDecoderOptions,
  type FrameSink,
  PACKET_SIZE_MAX,
} from './frame-decoder.ts';
export type { Packet } from './packet.ts';
export { decodePacket, PacketDecoder, type PacketDecoderOptions } from './packet-decoder.ts';
export { ACK_SIZE_MAX, type AckPacket, AckView, writeAck } from './packets/ack.ts';
export type { AuthPacket, AuthProperties } from './packets/auth.ts';
export type { ConnackPacket, ConnackProperties } from './packets/connack.ts';
export type { ConnectPacket, ConnectProperties } from './packets/connect.ts';
export {
  type DisconnectPacket,
  type DisconnectProperties,
  SERVER_DISCONNECT_REASON_CODES,
} from './packets/disconnect.ts';
export type { PingreqPacket, PingrespPacket } from './packets/ping.ts';
export type { PublishPacket, PublishProperties } from './packets/publish.ts';
export {
  messageProperties,
  type PublishPropertiesView,
  withoutUserProperties,
} from './packets/publish-properties.ts';
export { PublishView } from './packets/publish-view.ts';
export {
  MessageBytes,
  PublishOwn,
  publishSize,
  writePublish,
  writePublishHead,
} from './packets/publish-writer.ts';
export type { SubackPacket, SubscribePacket, SubscriptionRequest } from './packets/subscribe.ts';
export type { UnsubackPacket, UnsubscribePacket } from './packets/unsubscribe.ts';
export type { Will, WillProperties } from './packets/will.ts';
export { PacketError } from './wire/packet-error.ts';
export { PacketType, type ProtocolVersion, type QoS } from './wire/packet-type.ts';
export type { ReasonProperties, UserProperties } from './wire/properties.ts';
export { ReasonCode } from './wire/reason-code.ts';
export { type DecodeLimits, NO_LIMITS, type Receiver } from './wire/receiver.ts';
export { decodeTopicName } from './wire/topic-name.ts';
export { copyBytes } from './wire/writer.ts';
