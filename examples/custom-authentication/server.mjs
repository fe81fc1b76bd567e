/** TOKEN_SECRET=… node server.mjs: serves MQTT on port 1883, and prints a token for a lamp, good for an hour. */
import { createBroker } from '@promptmq/server';
import { DeviceHooks } from './device-hooks.mjs';
import { directory } from './directory.mjs';
import { Tokens } from './tokens.mjs';

const { TOKEN_SECRET, BIND = '127.0.0.1:1883' } = process.env;
if (TOKEN_SECRET === undefined) throw new Error('TOKEN_SECRET is not set');

const tokens = new Tokens(TOKEN_SECRET);
const broker = await createBroker(
  { server: { bind: BIND, wsBind: 'none' }, auth: { allowAnonymous: false } },
  { hooks: new DeviceHooks(tokens, directory) },
);
console.log(`MQTT at ${broker.url}`);
console.log(tokens.issue({ sub: 'lamp', exp: Math.floor(Date.now() / 1000) + 3600 }));
process.once('SIGINT', () => void broker.stop());
