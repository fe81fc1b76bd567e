/** A broker and two clients in one process, as in a test. */
import { createBroker } from '@promptmq/server';
import mqtt from 'mqtt';

const broker = await createBroker({ mqtt: { maxQos: 1 } });
console.log(`broker at ${broker.url} and ${broker.wsUrl}`);

const subscriber = await mqtt.connectAsync(broker.wsUrl, { protocolVersion: 5 });
await subscriber.subscribeAsync('greetings/#', { qos: 1 });
const received = new Promise((resolve) => {
  subscriber.on('message', (topic, payload) => resolve(`${topic}: ${payload}`));
});

const publisher = await mqtt.connectAsync(broker.url);
await publisher.publishAsync('greetings/world', 'hello', { qos: 1 });
console.log(await received);

await publisher.endAsync();
await subscriber.endAsync();
await broker.stop();
