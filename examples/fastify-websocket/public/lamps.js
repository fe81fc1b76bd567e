/** The page is a client: MQTT over WebSocket, at the address that it came from. */
const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
const client = mqtt.connect(`${scheme}://${location.host}/mqtt`, { protocolVersion: 5 });
const items = new Map();

client.subscribe('lamps/+', { qos: 1 });
client.on('message', (topic, payload) => {
  if (!items.has(topic)) {
    items.set(topic, document.querySelector('ul').appendChild(document.createElement('li')));
  }
  items.get(topic).textContent = `${topic}: ${payload}`;
});
document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const lamp = new FormData(event.target).get('lamp');
  client.publish(`lamps/${lamp}`, event.submitter.value, { qos: 1, retain: true });
});
