import { type Directory, disagreements, type Settings } from '@promptmq/cluster';
import type { Logger } from '../../log/index.ts';
import { fingerprintOf } from './compared-settings.ts';

/**
 * Finds out in what the configurations of other nodes differ from this one's, and says so in the log when that changes.
 */
export class Agreement {
  readonly #node: string;
  readonly #log: Logger;
  readonly #processes: () => readonly Settings[];
  #settings: Settings;
  #directory: Directory = { cells: [], nodes: [] };
  #found: ReadonlyMap<string, readonly string[]> = new Map();

  /** @param processes - what the processes of this node have in force, as they have said last */
  constructor(
    node: string,
    log: Logger,
    settings: Settings,
    processes: () => readonly Settings[] = () => [],
  ) {
    this.#node = node;
    this.#log = log;
    this.#processes = processes;
    this.#settings = settings;
  }

  /** What this node says of itself. */
  get own(): { readonly fingerprint: string; readonly settings: Settings } {
    return { fingerprint: fingerprintOf(this.#settings), settings: this.#settings };
  }

  /**
   * By node that is alive: the keys in which its configuration differs from that of this node or of one of its processes, which read it by themselves; none
   * where there are none. Of this node, those in which its processes differ from it.
   */
  get found(): ReadonlyMap<string, readonly string[]> {
    const own = this.#processes();
    const found = new Map([[this.#node, keysBetween([this.#settings], own)]]);
    for (const { id, settings } of this.#others) {
      found.set(id, keysBetween([settings], [this.#settings, ...own]));
    }
    return found;
  }

  /** The same for people. */
  get warnings(): readonly string[] {
    const own = this.#node;
    return [...this.found]
      .filter(([, keys]) => keys.length > 0)
      .map(([node, keys]) =>
        node === own
          ? `processes of node ${own} disagree with it on ${keys.join(', ')}`
          : `node ${node} disagrees with ${own} on ${keys.join(', ')}`,
      );
  }

  /** Those that are alive, and say what they have in force. */
  get #others(): readonly { readonly id: string; readonly settings: Settings }[] {
    return this.#directory.nodes.flatMap(({ id, isAlive, settings }) =>
      id === this.#node || !isAlive || settings === undefined ? [] : [{ id, settings }],
    );
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
    for (const { id, settings } of this.#others) {
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

/** The keys in which one of some differs from one of others, each once and in their order. */
function keysBetween(some: readonly Settings[], others: readonly Settings[]): string[] {
  const keys = some.flatMap((one) => others.flatMap((other) => disagreements(one, other)));
  return [...new Set(keys)].sort();
}
