import type { InsidePublication } from '../../inside/inside-message.ts';
import type { ReceivedMessage } from '../messages/received-message.ts';
import { ControlError, type Fields, onlyFields } from './control-error.ts';

/** Fields of `properties` that are bytes: in JSON, as base64. */
const BYTES = 'correlationData';

/** A message as JSON. */
export function messageToJson(message: ReceivedMessage): object {
  const { topic, payload, qos, retain, properties, clientId } = message;
  const text = message.text();
  return {
    topic,
    // Null when it is no text.
    payload: Buffer.from(text).equals(payload) ? text : null,
    payloadBase64: payload.toString('base64'),
    qos,
    retain,
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
      ]),
    ),
    client: clientId,
  };
}

/** What is to be published, of JSON; the broker checks what is in it. @throws {ControlError} */
export function publicationOf(fields: Fields): InsidePublication {
  onlyFields('publish', fields, [
    'topic',
    'payload',
    'payloadBase64',
    'qos',
    'retain',
    'properties',
  ]);
  const { payload, payloadBase64, properties, ...others } = fields;
  if (payload !== undefined && payloadBase64 !== undefined) {
    throw new ControlError(400, 'bad-argument', 'publish: payload or payloadBase64, not both');
  }
  const content = payloadBase64 === undefined ? payload : bytesOf('payloadBase64', payloadBase64);
  return {
    ...others,
    ...(content === undefined ? {} : { payload: content }),
    ...(properties === undefined ? {} : { properties: propertiesOf(properties) }),
  } as InsidePublication;
}

function propertiesOf(properties: unknown): unknown {
  if (typeof properties !== 'object' || properties === null || !(BYTES in properties)) {
    return properties;
  }
  return { ...properties, [BYTES]: bytesOf(`properties.${BYTES}`, properties[BYTES]) };
}

function bytesOf(name: string, value: unknown): Buffer {
  if (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
    return Buffer.from(value, 'base64');
  }
  throw new ControlError(400, 'bad-argument', `publish: ${name} is bytes as base64`);
}
