import type { WorkerLabel } from './worker-messages.ts';

/** The metrics of one worker as it serves them. */
export interface WorkerMetrics {
  readonly worker: WorkerLabel;
  /** In the text format of Prometheus, or OpenMetrics. */
  readonly text: string;
}

/** What OpenMetrics ends with. */
const END = '# EOF';

/** `# TYPE name …` and the like. */
const ABOUT = /^# (?:HELP|TYPE|UNIT) (\S+)/;

/** What a sample begins with: its name, and a brace where it has labels. */
const NAME = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?/;

/** A metric, with the samples of all workers. */
interface Family {
  readonly about: Set<string>;
  readonly samples: string[];
}

/**
 * Makes one text of those of several workers: each metric once, its samples with the number of their worker as the label `worker`.
 *
 * @param own - metrics of the supervisor itself, in the same format, which are left as they are
 */
export function mergeMetrics(workers: readonly WorkerMetrics[], own: string): string {
  const families = new Map<string, Family>();
  let isOpenMetrics = false;
  const add = (text: string, label: string | null) => {
    let family: Family = { about: new Set(), samples: [] };
    for (const line of text.split('\n')) {
      const name = ABOUT.exec(line)?.[1];
      if (name !== undefined) {
        family = families.get(name) ?? { about: new Set(), samples: [] };
        families.set(name, family);
        family.about.add(line);
      } else if (line === END) {
        isOpenMetrics = true;
      } else if (line !== '' && !line.startsWith('#')) {
        family.samples.push(label === null ? line : labelled(line, label));
      }
    }
  };
  for (const { worker, text } of workers) add(text, `worker="${worker}"`);
  add(own, null);
  const lines = [...families.values()].flatMap(({ about, samples }) => [...about, ...samples]);
  return `${[...lines, ...(isOpenMetrics ? [END] : [])].join('\n')}\n`;
}

function labelled(sample: string, label: string): string {
  return sample.replace(NAME, (_, name: string, brace: string | undefined) =>
    brace === undefined ? `${name}{${label}}` : `${name}{${label},`,
  );
}
