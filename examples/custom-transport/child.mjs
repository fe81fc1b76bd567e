/** A process that speaks MQTT on its standard input and output, as one at the other end of ssh or of a serial line may. */
import { Duplex } from 'node:stream';
import { runDevice } from './device.mjs';

await runDevice('child', Duplex.from({ readable: process.stdin, writable: process.stdout }));
process.exit();
