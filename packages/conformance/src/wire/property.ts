import { field, type Part, u16, u32, varint } from './bytes.ts';

/** §2.2.2.2, as functions of their value. */
export const property = {
  payloadFormat: (value: number): Part => [0x01, value],
  messageExpiry: (seconds: number): Part => [0x02, u32(seconds)],
  contentType: (value: Part): Part => [0x03, field(value)],
  responseTopic: (value: Part): Part => [0x08, field(value)],
  correlationData: (value: Part): Part => [0x09, field(value)],
  subscriptionIdentifier: (value: number): Part => [0x0b, varint(value)],
  sessionExpiry: (seconds: number): Part => [0x11, u32(seconds)],
  authenticationMethod: (value: Part): Part => [0x15, field(value)],
  authenticationData: (value: Part): Part => [0x16, field(value)],
  requestProblemInformation: (value: number): Part => [0x17, value],
  willDelay: (seconds: number): Part => [0x18, u32(seconds)],
  requestResponseInformation: (value: number): Part => [0x19, value],
  reasonString: (value: Part): Part => [0x1f, field(value)],
  receiveMaximum: (value: number): Part => [0x21, u16(value)],
  topicAliasMaximum: (value: number): Part => [0x22, u16(value)],
  topicAlias: (value: number): Part => [0x23, u16(value)],
  user: (key: Part, value: Part): Part => [0x26, field(key), field(value)],
  maximumPacketSize: (value: number): Part => [0x27, u32(value)],
} as const;
