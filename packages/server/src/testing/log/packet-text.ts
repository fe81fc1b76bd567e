import type { Packet } from '@promptmq/codec';

/** Bytes of a payload, or other data, that are shown. */
const SHOWN_BYTES_MAX = 64;

/**
 * A packet as one line of text that is the same for the same packet: `PUBLISH a/b qos=1 id=1 "on"`.
 * Of a password only the size is shown.
 */
export function packetText(packet: Packet): string {
  const name = packet.cmd.toUpperCase();
  switch (packet.cmd) {
    case 'connect': {
      const { clean, keepalive, username, password, will, properties } = packet;
      return words(
        name,
        `v${packet.protocolVersion === 3 ? '3.1' : packet.protocolVersion === 4 ? '3.1.1' : '5'}`,
        {
          clean: clean || undefined,
          keepAlive: keepalive,
          userName: username,
          passwordSize: password?.length,
          ...properties,
          will: will === undefined ? undefined : new Words(willText(will)),
        },
      );
    }
    case 'publish': {
      const { topic, qos, dup, retain, messageId: id, payload, properties } = packet;
      const flags = { qos, dup: dup || undefined, retain: retain || undefined, id };
      return words(name, topic, { ...flags, ...properties }, bytesText(payload));
    }
    case 'subscribe': {
      const { messageId: id, subscriptions, properties } = packet;
      const filters = subscriptions.map(({ topic, qos, nl, rap, rh }) =>
        words(topic, {
          qos,
          noLocal: nl || undefined,
          retainAsPublished: rap || undefined,
          retainHandling: rh || undefined,
        }),
      );
      return words(name, { id, ...properties }, filters.join(', '));
    }
    case 'unsubscribe': {
      const { messageId: id, unsubscriptions, properties } = packet;
      return words(name, { id, ...properties }, unsubscriptions.join(', '));
    }
    case 'suback':
    case 'unsuback': {
      const { messageId: id, granted, properties } = packet;
      return words(name, { id, ...properties }, (granted ?? []).map(code).join(', '));
    }
    case 'connack': {
      const { reasonCode, returnCode, sessionPresent, properties } = packet;
      return words(name, code(reasonCode ?? returnCode ?? 0), {
        sessionPresent: sessionPresent || undefined,
        ...properties,
      });
    }
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp': {
      const { messageId: id, reasonCode, properties } = packet;
      return words(name, { id, ...properties }, reasonCode ? code(reasonCode) : '');
    }
    case 'disconnect':
    case 'auth': {
      const { reasonCode, properties } = packet;
      return words(name, reasonCode === undefined ? '' : code(reasonCode), { ...properties });
    }
    case 'pingreq':
    case 'pingresp':
      return name;
  }
}

/** Bytes that are no packet. */
export function unreadableText(bytes: Uint8Array): string {
  return `unreadable ${bytesText(bytes)}`;
}

/** Text in quotes if it is readable, else hexadecimal; the first of it where it is long. */
export function bytesText(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, SHOWN_BYTES_MAX));
  const isCut = shown.length < bytes.length;
  // A character may lie across the cut.
  const text = shown.toString().replace(isCut ? /\uFFFD+$/ : /$^/, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what isn't readable.
  const isReadable = !/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\uFFFD]/.test(text);
  const quoted = isReadable ? JSON.stringify(text) : `0x${shown.toString('hex')}`;
  return isCut ? `${quoted}… (${bytes.length} bytes)` : quoted;
}

/** Text that stands as it is. */
class Words {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function willText(will: NonNullable<Extract<Packet, { cmd: 'connect' }>['will']>): string {
  const { topic, qos, retain, payload, properties } = will;
  return `(${words(topic, { qos, retain: retain || undefined, ...properties }, bytesText(payload))})`;
}

/** Parts with spaces between; of an object, each field that has a value. */
function words(...parts: (string | Readonly<Record<string, unknown>>)[]): string {
  return parts
    .flatMap((part) => (typeof part === 'string' ? [part] : Object.entries(part).map(fieldText)))
    .filter((part) => part !== '')
    .join(' ');
}

function fieldText([name, value]: [string, unknown]): string {
  if (value === undefined) return '';
  if (value === true) return name;
  if (value instanceof Words) return `${name}=${value.text}`;
  if (value instanceof Uint8Array) return `${name}=${bytesText(value)}`;
  return `${name}=${JSON.stringify(value)}`;
}

function code(reasonCode: number): string {
  return `0x${reasonCode.toString(16).padStart(2, '0').toUpperCase()}`;
}
