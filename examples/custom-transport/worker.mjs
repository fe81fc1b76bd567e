/** A thread that speaks MQTT on the MessagePort that it was given. */
import { workerData } from 'node:worker_threads';
import { runDevice } from './device.mjs';
import { PortStream } from './port-stream.mjs';

await runDevice('worker', new PortStream(workerData));
