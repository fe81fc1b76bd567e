import { Aedes } from './aedes.ts';
import type { AedesOptions } from './types.ts';

export { Aedes } from './aedes.ts';
export type { AedesEvents } from './events.ts';
export type { Deliver } from './inside-subscriptions.ts';
export * from './types.ts';

/** Makes a broker, as `require('aedes')()` does before aedes 1.0. It starts when its first stream comes. */
function aedes(options: AedesOptions = {}): Aedes {
  return new Aedes(options);
}
aedes.Aedes = Aedes;
aedes.Server = Aedes;
aedes.default = aedes;
aedes.createBroker = (options?: AedesOptions) => Aedes.createBroker(options);

export { Aedes as Server, aedes as default, aedes };
