import type { Program } from '../program.ts';

/** The servers of an engine, each as a program with a folder of its own. */
export interface EngineServers {
  readonly name: string;
  readonly nodes: readonly Program[];
  /** Starts those that don't run. */
  start(): Promise<void>;
  /**
   * Resolves when each has all that it should have, or nobody waits for it.
   *
   * @throws {Error} by rejection, when one has ended by itself, as it can't start
   */
  untilWell(signal?: AbortSignal): Promise<void>;
  /** Of one that was killed: it has lost its disk. Another one takes its place where that needs somebody to say so. */
  lose(index: number): Promise<void>;
  /** Starts one that has lost its disk. */
  bringBack(index: number): Promise<void>;
}

/** @throws {Error} in one line, when a server has ended by itself */
export function refuseEnded(name: string, nodes: readonly Program[]): void {
  const index = nodes.findIndex(({ hasFailed }) => hasFailed);
  if (index === -1) return;
  throw new Error(`${name}: server e${index + 1} has ended: ${nodes[index]?.tail(1)}`);
}
