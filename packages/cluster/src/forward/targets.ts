/** For whom in a cell a message is that comes from another one. */
export interface Targets {
  /** Whether all ordinary subscribers get it. */
  readonly isPlain: boolean;
  /** Whole filters (`$share/NAME/FILTER`) of the shared groups of which one member gets it. */
  readonly groups: readonly string[];
}

/** Is in no filter [MQTT-1.5.4-2]. */
const SEPARATOR = '\0';

/** Nobody: the message is only retained there. */
const NOBODY = SEPARATOR;

/**
 * Targets as one text: the filters of the groups with U+0000 between them, and one more before them when all ordinary
 * subscribers get it, too. Empty when these alone do, and U+0000 alone when nobody does.
 */
export function joinTargets({ isPlain, groups }: Targets): string {
  if (!isPlain && groups.length === 0) return NOBODY;
  const joined = groups.join(SEPARATOR);
  return isPlain && groups.length > 0 ? SEPARATOR + joined : joined;
}

/** Targets of which `joinTargets` has made a text. */
export function splitTargets(text: string): Targets {
  if (text === '') return { isPlain: true, groups: [] };
  if (text === NOBODY) return { isPlain: false, groups: [] };
  const groups = text.split(SEPARATOR);
  const isPlain = groups[0] === '';
  return { isPlain, groups: isPlain ? groups.slice(1) : groups };
}
