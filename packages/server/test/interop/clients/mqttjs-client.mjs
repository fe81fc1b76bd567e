/** The client of README.md with MQTT.js; the name of the package comes first: of version 4 or 5. */
import { createInterface } from 'node:readline';

const [packageName, host, port, transport, version, clientId, session] = process.argv.slice(2);
const { default: mqtt } = await import(packageName);
const keeps = session === 'keep';

const url = transport === 'ws' ? `ws://${host}:${port}/mqtt` : `mqtt://${host}:${port}`;
const client = mqtt.connect(url, {
  clientId,
  clean: !keeps,
  protocolVersion: Number(version),
  ...(version === '3' ? { protocolId: 'MQIsdp' } : {}),
  ...(version === '5' && keeps ? { properties: { sessionExpiryInterval: 3600 } } : {}),
});

function say(event, fields = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

function sayUnlessFailed(event, fields) {
  return (error, granted) => {
    // To a PUBREL that is sent again; "not an error during recovery", §4.3.3.
    const isNotFound = error?.code === 0x92;
    if (error && !isNotFound) say('failed', { of: event, why: error.message });
    else say(event, fields?.(granted));
  };
}

client.on('connect', ({ sessionPresent }) => say('connected', { sessionPresent }));
client.on('close', () => say('lost'));
client.on('error', (error) => say('error', { why: error.message }));
client.on('message', (topic, payload, { qos, retain }) => {
  say('message', { topic, payload: payload.toString(), qos, retain });
});

for await (const line of createInterface({ input: process.stdin })) {
  const [command, topic, ...words] = line.split(' ');
  if (command === 'subscribe') {
    const granted = (grants) => ({ granted: grants.map(({ qos }) => qos) });
    client.subscribe(topic, { qos: Number(words[0]) }, sayUnlessFailed('subscribed', granted));
  } else if (command === 'unsubscribe') {
    client.unsubscribe(topic, sayUnlessFailed('unsubscribed'));
  } else if (command === 'publish') {
    const [qos, retain, payload] = words;
    const options = { qos: Number(qos), retain: retain === '1' };
    client.publish(topic, payload, options, sayUnlessFailed('published'));
  } else if (command === 'disconnect') {
    client.end(false, () => process.exit());
  }
}
