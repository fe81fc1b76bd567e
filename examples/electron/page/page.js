/** In the window: MQTT.js as any page has it. */
const given = new URLSearchParams(location.search);
const client = mqtt.connect(given.get('broker'), {
  protocolVersion: 5,
  username: 'window',
  password: given.get('secret'),
});

client.subscribe('hello/#', { qos: 1 });
client.on('message', (topic, payload) => {
  const item = document.createElement('li');
  item.textContent = `${topic}: ${payload}`;
  document.querySelector('ul').append(item);
});
document.querySelector('button').addEventListener('click', () => {
  client.publish('hello/world', new Date().toLocaleTimeString(), { qos: 1 });
});
