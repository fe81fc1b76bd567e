/** Runs main.mjs with a stand-in for Electron, and does what the window's page does. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import mqtt from 'mqtt';

register('./resolve.mjs', import.meta.url);
const { app, BrowserWindow } = await import('electron');
await import('../main.mjs');

const [window] = BrowserWindow.getAllWindows();
console.log('page is there:', existsSync(window.file));
console.log('page has Node.js:', window.webPreferences.nodeIntegration);

const { broker: url, secret } = window.query;
const options = { protocolVersion: 5, reconnectPeriod: 0, username: 'window' };
await mqtt.connectAsync(url, options).catch(({ message }) => console.log('others:', message));
const client = await mqtt.connectAsync(url, { ...options, password: secret });
await client.subscribeAsync('hello/#', { qos: 1 });
const received = once(client, 'message');
await client.publishAsync('hello/world', 'Hi!', { qos: 1 });
const [topic, payload] = await received;
console.log(`${topic}: ${payload}`);

const disconnected = once(client, 'disconnect');
const quit = once(app, 'quit');
window.close();
const [{ reasonCode }] = await disconnected;
console.log(`the broker stops: 0x${reasonCode.toString(16)}`);
await quit;
