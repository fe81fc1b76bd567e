export { decodePacket, type Receiver } from './decode.ts';
export { type EncodeOptions, encode } from './encode.ts';
export {
  FrameDecoder,
  type FrameDecoderOptions,
  type FrameSink,
  PACKET_SIZE_MAX,
} from './frame-decoder.ts';
export { PacketDecoder, type PacketDecoderOptions } from './packet-decoder.ts';
export { ACK_SIZE_MAX, AckView, writeAck } from './packets/ack.ts';
export { PublishView } from './packets/publish-view.ts';
export {
  copyBytes,
  publishSize,
  writePublish,
  writePublishHead,
} from './packets/publish-writer.ts';
export {
  type AckPacket,
  type AuthPacket,
  type ConnackPacket,
  type ConnackProperties,
  type ConnectPacket,
  type ConnectProperties,
  type DisconnectPacket,
  type Packet,
  PacketType,
  type PingreqPacket,
  type PingrespPacket,
  type ProtocolVersion,
  type PublishPacket,
  type PublishProperties,
  type QoS,
  type ReasonProperties,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubackPacket,
  type UnsubscribePacket,
  type UserProperties,
  type Will,
  type WillProperties,
} from './packets.ts';
export { decodeTopicName } from './topic.ts';
export { type DecodeLimits, NO_LIMITS } from './wire/decode-limits.ts';
export { PacketError } from './wire/packet-error.ts';
export { ReasonCode } from './wire/reason-code.ts';
