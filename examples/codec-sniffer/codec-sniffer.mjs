/**
 * A proxy that prints the packets that pass between MQTT clients and a broker.
 *
 *   node codec-sniffer.mjs [LISTEN_PORT] [BROKER_HOST:PORT]
 */
import { connect, createServer } from 'node:net';
import { PacketDecoder, PacketError } from '@promptmq/codec';

const [listenPort = '1884', target = '127.0.0.1:1883'] = process.argv.slice(2);
const [host, port] = target.split(':');

const server = createServer((client) => {
  const broker = connect({ host, port: Number(port) });
  const up = new PacketDecoder({ receiver: 'server' });
  const down = new PacketDecoder({ receiver: 'client' });
  pass(client, broker, (chunk) => {
    show('>', up, chunk);
    down.protocolVersion = up.protocolVersion;
  });
  pass(broker, client, (chunk) => show('<', down, chunk));
});

server.listen(Number(listenPort), () => {
  console.log(`listening on ${server.address().port}, passing on to ${target}`);
});

function pass(from, to, look) {
  from.on('data', (chunk) => {
    look(chunk);
    to.write(chunk);
  });
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
}

function show(direction, decoder, chunk) {
  try {
    for (const { cmd, payload, ...fields } of decoder.push(chunk)) {
      const size = payload === undefined ? '' : ` (${payload.length} bytes)`;
      console.log(`${direction} ${cmd}${size} ${JSON.stringify(fields)}`);
    }
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    console.log(`${direction} refused: ${error.message}`);
  }
}
