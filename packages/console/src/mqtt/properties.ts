import { type ByteReader, ByteWriter, WireError } from './wire.ts';

/** Properties of MQTT 5 (§2.2.2.2), those that are there. */
export interface Properties {
  payloadFormatIndicator?: number;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Uint8Array;
  subscriptionIdentifier?: number;
  sessionExpiryInterval?: number;
  assignedClientIdentifier?: string;
  serverKeepAlive?: number;
  authenticationMethod?: string;
  authenticationData?: Uint8Array;
  requestProblemInformation?: number;
  willDelayInterval?: number;
  requestResponseInformation?: number;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQoS?: number;
  retainAvailable?: number;
  userProperties?: [string, string][];
  maximumPacketSize?: number;
  wildcardSubscriptionAvailable?: number;
  subscriptionIdentifierAvailable?: number;
  sharedSubscriptionAvailable?: number;
}

type Kind = 'byte' | 'uint16' | 'uint32' | 'varint' | 'text' | 'binary';
type Single = Exclude<keyof Properties, 'userProperties'>;

const USER_PROPERTY = 38;

const TABLE: readonly (readonly [number, Single, Kind])[] = [
  [1, 'payloadFormatIndicator', 'byte'],
  [2, 'messageExpiryInterval', 'uint32'],
  [3, 'contentType', 'text'],
  [8, 'responseTopic', 'text'],
  [9, 'correlationData', 'binary'],
  [11, 'subscriptionIdentifier', 'varint'],
  [17, 'sessionExpiryInterval', 'uint32'],
  [18, 'assignedClientIdentifier', 'text'],
  [19, 'serverKeepAlive', 'uint16'],
  [21, 'authenticationMethod', 'text'],
  [22, 'authenticationData', 'binary'],
  [23, 'requestProblemInformation', 'byte'],
  [24, 'willDelayInterval', 'uint32'],
  [25, 'requestResponseInformation', 'byte'],
  [26, 'responseInformation', 'text'],
  [28, 'serverReference', 'text'],
  [31, 'reasonString', 'text'],
  [33, 'receiveMaximum', 'uint16'],
  [34, 'topicAliasMaximum', 'uint16'],
  [35, 'topicAlias', 'uint16'],
  [36, 'maximumQoS', 'byte'],
  [37, 'retainAvailable', 'byte'],
  [39, 'maximumPacketSize', 'uint32'],
  [40, 'wildcardSubscriptionAvailable', 'byte'],
  [41, 'subscriptionIdentifierAvailable', 'byte'],
  [42, 'sharedSubscriptionAvailable', 'byte'],
];

const BY_ID = new Map(TABLE.map(([id, name, kind]) => [id, { name, kind }]));

/** Writes them with their length; those that are undefined are left out. */
export function writeProperties(writer: ByteWriter, properties: Properties): void {
  const inner = new ByteWriter();
  for (const [id, name, kind] of TABLE) {
    const value = properties[name];
    if (value === undefined) continue;
    inner.byte(id);
    if (value instanceof Uint8Array) inner.binary(value);
    else if (typeof value === 'string') inner.text(value);
    else if (kind === 'byte' || kind === 'uint16' || kind === 'uint32' || kind === 'varint')
      inner[kind](value);
  }
  for (const [name, value] of properties.userProperties ?? []) {
    inner.byte(USER_PROPERTY).text(name).text(value);
  }
  writer.varint(inner.length).raw(inner.bytes());
}

/** @throws {WireError} */
export function readProperties(reader: ByteReader): Properties {
  const properties: Record<string, unknown> = {};
  const userProperties: [string, string][] = [];
  const inner = reader.sub(reader.varint());
  while (!inner.isAtEnd) {
    const id = inner.varint();
    if (id === USER_PROPERTY) {
      userProperties.push([inner.text(), inner.text()]);
      continue;
    }
    const known = BY_ID.get(id);
    if (known === undefined) throw new WireError(`a property ${id}, which there is not`);
    properties[known.name] = inner[known.kind]();
  }
  if (userProperties.length > 0) properties['userProperties'] = userProperties;
  return properties as Properties;
}
