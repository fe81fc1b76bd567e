/** In the window: MQTT.js as any page has it. */
const url = new URLSearchParams(location.search).get('broker');
const client = mqtt.connect(url, { protocolVersion: 5 });

client.subscribe('hello/#', { qos: 1 });
client.on('message', (topic, payload) => {
  const item = document.createElement('li');
  item.textContent = `${topic}: ${payload}`;
  document.querySelector('ul').append(item);
});
document.querySelector('button').addEventListener('click', () => {
  client.publish('hello/world', new Date().toLocaleTimeString(), { qos: 1 });
});
