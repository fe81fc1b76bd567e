import { type Directory, disagreements, type Settings } from '@promptmq/cluster';
import type { Logger } from '../../log/index.ts';
import { fingerprintOf } from './compared-settings.ts';

/**
 * Finds out in what the configurations of other nodes differ from this one's, and says so in the log when that changes.
 */
export class Agreement {
  readonly #node: string;
  readonly #log: Logger;
  #settings: Settings;
  #directory: Directory = { cells: [], nodes: [] };
  #found: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(node: string, log: Logger, settings: Settings) {
    this.#node = node;
    this.#log = log;
    this.#settings = settings;
  }

  /** What this node says of itself. */
  get own(): { readonly fingerprint: string; readonly settings: Settings } {
    return { fingerprint: fingerprintOf(this.#settings), settings: this.#settings };
  }

  /** By node that is alive: the keys in which its configuration differs from this one's; none where there are none. */
  get found(): ReadonlyMap<string, readonly string[]> {
    return this.#found;
  }

  /** The same for people. */
  get warnings(): readonly string[] {
    return [...this.#found]
      .filter(([, keys]) => keys.length > 0)
      .map(([node, keys]) => `node ${node} disagrees with ${this.#node} on ${keys.join(', ')}`);
  }

  setSettings(settings: Settings): void {
    this.#settings = settings;
    this.#compare();
  }

  setDirectory(directory: Directory): void {
    this.#directory = directory;
    this.#compare();
  }

  #compare(): void {
    const before = this.#found;
    const found = new Map<string, readonly string[]>();
    for (const { id, isAlive, settings } of this.#directory.nodes) {
      if (id === this.#node || !isAlive || settings === undefined) continue;
      found.set(id, disagreements(this.#settings, settings));
    }
    this.#found = found;
    for (const [node, keys] of found) {
      const former = before.get(node) ?? [];
      if (keys.join() === former.join()) continue;
      if (keys.length > 0) this.#log.warn('config-differs', { node, on: keys });
      else this.#log.info('config-agrees', { node });
    }
  }
}
