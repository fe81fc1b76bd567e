export type Type =
  | 'connack'
  | 'publish'
  | 'puback'
  | 'pubrec'
  | 'pubrel'
  | 'pubcomp'
  | 'suback'
  | 'unsuback'
  | 'pingresp'
  | 'disconnect'
  | 'auth';

/** A property that was received: its identifier and its value. */
export interface Received {
  readonly id: number;
  readonly value: number | string | Uint8Array | readonly [string, string];
}

/** A packet that a broker sent. Fields that its type doesn't have are 0, empty or false. */
export interface ReceivedPacket {
  readonly type: Type;
  readonly size: number;
  readonly dup: boolean;
  readonly qos: number;
  readonly retain: boolean;
  readonly sessionPresent: boolean;
  readonly id: number;
  readonly reasonCode: number;
  /** Of SUBACK and UNSUBACK. */
  readonly reasonCodes: readonly number[];
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly properties: readonly Received[];
}

/** The payload of a PUBLISH as text. */
export function text({ payload }: ReceivedPacket): string {
  return Buffer.from(payload).toString();
}

/** The payloads of those packets that are PUBLISH, joined by commas. */
export function texts(received: readonly ReceivedPacket[]): string {
  return received
    .filter(({ type }) => type === 'publish')
    .map(text)
    .join();
}

/** All values of a property. */
export function values(received: ReceivedPacket, id: number): unknown[] {
  return received.properties.filter((one) => one.id === id).map(({ value }) => value);
}

/** In a few words. */
export function describe(received: ReceivedPacket): string {
  const code = received.reasonCode.toString(16).padStart(2, '0');
  return received.type === 'publish'
    ? `publish of ${received.topic}`
    : `${received.type} with 0x${code}`;
}
