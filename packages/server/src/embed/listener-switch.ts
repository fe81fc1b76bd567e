import type { Broker } from '../broker.ts';
import type { BoundListener } from '../listeners/listener.ts';
import { Arguments } from './calls/arguments.ts';
import { EmbedError } from './calls/embed-error.ts';

/** Stops and starts the listeners of a broker while it runs. Changes are made one after the other. */
export class ListenerSwitch {
  readonly #broker: Broker;
  readonly #listeners: readonly BoundListener[];
  /** The last change, which never rejects. */
  #changing: Promise<void>;

  constructor(broker: Broker, listeners: readonly BoundListener[]) {
    this.#broker = broker;
    this.#listeners = listeners;
    this.#changing = Promise.resolve();
  }

  /** `RunningBroker.stopListener` */
  async stop(name: string): Promise<void> {
    const ofName = this.#find('stopListener', name);
    await this.#inTurn(() => this.#stop(name, ofName));
  }

  /** `RunningBroker.startListener` */
  async start(name: string): Promise<void> {
    const ofName = this.#find('startListener', name);
    await this.#inTurn(() => this.#start(ofName));
  }

  async #stop(name: string, ofName: readonly BoundListener[]): Promise<void> {
    const { config, runtime, log } = this.#broker;
    const running = ofName.filter(({ isRunning }) => isRunning);
    if (running.length === 0) return;
    const closed = Promise.all(running.map((listener) => listener.close()));
    this.#broker.disconnectFrom(name);
    // What doesn't close, and what was on its way to become a client.
    const cancel = runtime.setTimer(config.server.shutdownTimeout, () => {
      for (const listener of running) listener.cut();
    });
    await closed;
    cancel();
    for (const { protocol, address } of running)
      log.info('listener-stopped', { protocol, address });
  }

  async #start(ofName: readonly BoundListener[]): Promise<void> {
    const { log } = this.#broker;
    for (const listener of ofName) {
      if (listener.isRunning) continue;
      this.#checkServing();
      await listener.reopen();
      // Who has stopped the broker meanwhile has closed what was open then.
      if (!this.#broker.isServing) await listener.close();
      this.#checkServing();
      const { protocol, address } = listener;
      log.info('listening', { protocol, address });
    }
  }

  #find(method: string, name: string): BoundListener[] {
    const args = new Arguments(method);
    args.text('name', name);
    this.#checkServing();
    const found = this.#listeners.filter((listener) => listener.name === name);
    if (found.length === 0) args.refuse(`there is no listener ${name}`);
    return found;
  }

  #checkServing(): void {
    if (!this.#broker.isServing) throw new EmbedError('stopped', 'the broker has been stopped');
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return changed;
  }
}
