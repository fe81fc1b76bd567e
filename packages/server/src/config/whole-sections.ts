import type { ConfigInput } from './schema.ts';

/** What a section means that is only `true` or `false`, by its key; one that isn't here has no such meaning. */
const WHOLE_SECTIONS: Readonly<Record<string, { readonly off?: object; readonly on?: object }>> = {
  // Without certificates nothing is encrypted; which there are can't be said by a word.
  'server.tls': { off: {} },
  // Everyone may connect.
  auth: { off: { allowAnonymous: true } },
  storage: { off: { enabled: false }, on: { enabled: true } },
  metrics: { off: { enabled: false }, on: { enabled: true } },
  history: { off: { enabled: false }, on: { enabled: true } },
  cluster: { off: { enabled: false }, on: { enabled: true } },
  'log.rotation': { off: { size: 'none', age: 'none' }, on: {} },
};

/** The keys of the sections that may be a word. */
export const wholeSections: readonly string[] = Object.keys(WHOLE_SECTIONS);

/** Options with sections in the place of the words that stand for them, such as `server: { tls: false }`. */
export function withWholeSections(input: ConfigInput): ConfigInput {
  return expand(input, '') as ConfigInput;
}

function expand(section: unknown, prefix: string): unknown {
  if (typeof section !== 'object' || section === null || Array.isArray(section)) return section;
  let expanded: Record<string, unknown> | null = null;
  for (const [name, value] of Object.entries(section)) {
    const key = `${prefix}${name}`;
    const meaning = Object.hasOwn(WHOLE_SECTIONS, key) ? WHOLE_SECTIONS[key] : undefined;
    const word = meaning === undefined ? null : wordOf(value);
    const whole = word === null ? undefined : meaning?.[word];
    const next = whole ?? (prefix === '' ? expand(value, `${key}.`) : value);
    if (next === value) continue;
    expanded ??= { ...section };
    expanded[name] = next;
  }
  return expanded ?? section;
}

function wordOf(value: unknown): 'on' | 'off' | null {
  if (value === false) return 'off';
  if (value === true) return 'on';
  if (typeof value !== 'string') return null;
  if (/^(false|no|off|none)$/i.test(value)) return 'off';
  return /^(true|yes|on)$/i.test(value) ? 'on' : null;
}
