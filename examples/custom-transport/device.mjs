/** A device without a network: it says that it is on, by whatever stream it has. */
import { MqttClient } from 'mqtt';

export async function runDevice(name, stream) {
  const options = { clientId: name, protocolVersion: 5, reconnectPeriod: 0 };
  const client = new MqttClient(() => stream, options);
  await client.publishAsync(`devices/${name}`, 'on', { qos: 1 });
  await client.endAsync();
}
