import type { LinkSet } from '@promptmq/cluster';
import type {
  LinkBytes,
  ObservedLinks,
  ObservedPeers,
} from '../../observability/links/link-metrics.ts';
import { type CellPlace, cellName } from '../worker-messages.ts';
import { epochOf } from './link-epoch.ts';
import { LinkMeter } from './link-meter.ts';

/** A process with links to those of other cells. */
interface LinkedProcess {
  /** Null for a front. */
  readonly cell: number | null;
  readonly links: LinkSet;
  readonly front: { readonly relayed: number };
}

/** What it has found out. */
interface ProcessSources {
  refusedLinks(): number;
  places(): readonly CellPlace[];
  filterCounts(): ObservedPeers['filterCounts'];
}

/** What one of several processes shows of the others. Nothing is added up before somebody asks. */
export class ProcessFigures implements ObservedPeers, ObservedLinks {
  readonly #process: LinkedProcess;
  readonly #sources: ProcessSources;
  readonly #meter: LinkMeter;

  /**
   * @param process - which has no link yet
   * @param node - the one that it is of, as are those that don't say so
   */
  constructor(process: LinkedProcess, node: string, sources: ProcessSources) {
    this.#process = process;
    this.#sources = sources;
    this.#meter = new LinkMeter(process.links, ({ owner }) => owner ?? node);
  }

  get links(): ObservedLinks {
    return this;
  }

  get relayed(): number {
    return this.#process.front.relayed;
  }

  get filterCounts(): ObservedPeers['filterCounts'] {
    return this.#sources.filterCounts();
  }

  /** Of each node that serves other cells, or opens them: whether there are links to these. */
  get up(): ReadonlyMap<string, boolean> {
    const { cell: own, links } = this.#process;
    const found = new Map<string, boolean>();
    for (const { cell, node, epoch, state } of this.#sources.places()) {
      if (node === null || state === 'away' || cell === own) continue;
      const link = links.of(cellName(cell));
      const isUp = link !== null && epochOf(link, cell) === epoch;
      found.set(node, isUp && found.get(node) !== false);
    }
    return found;
  }

  get roundTrips(): ReadonlyMap<string, number> {
    return this.#meter.roundTrips;
  }

  get bytes(): readonly LinkBytes[] {
    return this.#meter.bytes;
  }

  get refused(): number {
    return this.#sources.refusedLinks();
  }
}
