/**
 * Why bytes were refused. It ends the connection: the receiver sends `reasonCode` in a CONNACK or
 * DISCONNECT where the protocol version has one, and closes (§4.13).
 */
export class PacketError extends Error {
  override readonly name = 'PacketError';
  /** 0x81, 0x82, 0x95 … (§2.4). */
  readonly reasonCode: number;
  /** The normative statement of the version's standard, such as `MQTT-1.5.5-1`, or a section such as `§3.1.2.11`. */
  readonly rule: string;
  /** Bytes from the first byte of the packet to the offending byte. */
  readonly offset: number;

  /** @param message - what was wrong, without any content of the packet */
  constructor(reasonCode: number, rule: string, offset: number, message: string) {
    super(`${message} [${rule}] at byte ${offset}`);
    this.reasonCode = reasonCode;
    this.rule = rule;
    this.offset = offset;
  }
}
