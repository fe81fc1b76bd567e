import fc from 'fast-check';

/** Text that a packet may have. */
const text = fc
  .string({ unit: 'binary', maxLength: 20 })
  .filter((value) => !/[\0\ud800-\udfff]/u.test(value));
const topic = text.filter((value) => value !== '' && !/[+#]/.test(value));
const binary = fc.uint8Array({ maxLength: 300 });
export const packetId = fc.integer({ min: 1, max: 0xffff });
const userProperties = fc.dictionary(
  text.filter((key) => !/^\d+$/.test(key) && key !== '__proto__'),
  fc.oneof(text, fc.array(text, { minLength: 2, maxLength: 3 })),
  { maxKeys: 3 },
);

/** A record in which every field may be missing. */
function optional<T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record(fields, { requiredKeys: [] });
}

const publishProperties = optional({
  payloadFormatIndicator: fc.boolean(),
  messageExpiryInterval: fc.nat(0xffff_ffff),
  topicAlias: packetId,
  responseTopic: topic,
  correlationData: binary,
  contentType: text,
  userProperties,
});

/** Any PUBLISH to a server; in MQTT 5 with any properties that a client may send. */
export const publish = fc
  .record({
    qos: fc.constantFrom(0, 1, 2),
    dup: fc.boolean(),
    retain: fc.boolean(),
    topic,
    payload: binary,
    messageId: packetId,
    properties: publishProperties,
  })
  .map(({ messageId, properties, ...fields }) => ({
    cmd: 'publish',
    ...fields,
    dup: fields.dup && fields.qos > 0,
    ...(fields.qos > 0 ? { messageId } : {}),
    ...(hasKeys(properties) ? { properties } : {}),
  }));

const will = fc
  .record({
    topic,
    payload: binary,
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    properties: optional({
      willDelayInterval: fc.nat(0xffff_ffff),
      payloadFormatIndicator: fc.boolean(),
      messageExpiryInterval: fc.nat(0xffff_ffff),
      contentType: text,
      responseTopic: topic,
      correlationData: binary,
      userProperties,
    }),
  })
  .map(({ properties, ...fields }) => ({
    ...fields,
    ...(hasKeys(properties) ? { properties } : {}),
  }));

/** Any CONNECT of MQTT 5. */
export const connect = fc
  .record({
    clean: fc.boolean(),
    keepalive: fc.nat(0xffff),
    clientId: text,
    username: fc.option(text, { nil: undefined }),
    password: fc.option(binary, { nil: undefined }),
    will: fc.option(will, { nil: undefined }),
    properties: optional({
      sessionExpiryInterval: fc.nat(0xffff_ffff),
      receiveMaximum: packetId,
      maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
      topicAliasMaximum: fc.nat(0xffff),
      requestResponseInformation: fc.boolean(),
      requestProblemInformation: fc.boolean(),
      userProperties,
      authenticationMethod: text,
    }),
  })
  .map(({ properties, username, password, will, ...fields }) => ({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    ...fields,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(will === undefined ? {} : { will }),
    ...(hasKeys(properties) ? { properties } : {}),
  }));

/** A SUBSCRIBE of MQTT 5. */
export const subscribe = fc
  .record({
    messageId: packetId,
    subscriptions: fc.array(
      fc.record({
        topic: fc.constantFrom('a', '#', 'a/+/b', '/', '$SYS/#'),
        qos: fc.constantFrom(0, 1, 2),
        nl: fc.boolean(),
        rap: fc.boolean(),
        rh: fc.constantFrom(0, 1, 2),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }),
  })
  .map(({ subscriptionIdentifier, ...fields }) => ({
    cmd: 'subscribe',
    ...fields,
    properties: { subscriptionIdentifier },
  }));

function hasKeys(value: { userProperties?: object }): boolean {
  if (value.userProperties !== undefined && Object.keys(value.userProperties).length === 0) {
    delete value.userProperties;
  }
  return Object.keys(value).length > 0;
}
