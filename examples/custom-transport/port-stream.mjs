/**
 * A MessagePort as a stream of bytes, between threads; the same works between processes. A port knows nothing of how much the
 * other side can take, so each end has one chunk under way, until the other one has read it: the broker sees who is slow.
 */
import { Duplex } from 'node:stream';

const READ = 'read';
const END = 'end';

export class PortStream extends Duplex {
  #port;
  /** Called when the other end has read what was written. */
  #onRead = null;
  /** Whether the other end waits to hear that its chunk was read. */
  #owesRead = false;

  constructor(port) {
    super();
    this.#port = port;
    port.on('message', (message) => this.#onMessage(message));
    port.on('close', () => this.destroy());
  }

  _read() {
    if (!this.#owesRead) return;
    this.#owesRead = false;
    this.#port.postMessage(READ);
  }

  _write(chunk, _encoding, callback) {
    this.#onRead = callback;
    this.#port.postMessage(chunk);
  }

  _final(callback) {
    this.#port.postMessage(END);
    callback();
  }

  _destroy(error, callback) {
    this.#port.close();
    callback(error);
  }

  #onMessage(message) {
    if (message === READ) {
      this.#onRead();
    } else if (message === END) {
      this.push(null);
    } else {
      this.#owesRead = true;
      this.push(message);
    }
  }
}
