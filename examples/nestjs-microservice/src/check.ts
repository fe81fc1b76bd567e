/** A device tells its state by MQTT, and another service asks for it through Nest's client. */
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import mqtt from 'mqtt';
import { firstValueFrom } from 'rxjs';
import { startApp } from './app.js';

const app = await startApp('127.0.0.1:0');
const url = app.broker.url as string;

const device = await mqtt.connectAsync(url);
await device.publishAsync('devices/lamp/state', JSON.stringify({ on: true }), { qos: 1 });

const client = ClientProxyFactory.create({ transport: Transport.MQTT, options: { url } });
console.log('lamp:', await firstValueFrom(client.send('devices/read', 'lamp')));
console.log('door:', await firstValueFrom(client.send('devices/read', 'door')));

await client.close();
await device.endAsync();
await app.stop();
