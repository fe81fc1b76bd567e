import { startApp } from './app.js';

const app = await startApp(process.env['BIND'] ?? '127.0.0.1:1883');
console.log(`MQTT at ${app.broker.url}`);
process.once('SIGINT', () => void app.stop());
