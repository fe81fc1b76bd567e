/** `maxQos` to `max-qos`. */
export function toKebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `max-qos` to `maxQos`. */
export function toCamelCase(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** No name is so long; comparing costs the product of the lengths. */
const LENGTH_MAX = 80;

/** The name that is the fewest changes away from a wrong one; null when none is near. */
export function nearest(wrong: string, names: readonly string[]): string | null {
  if (wrong.length > LENGTH_MAX) return null;
  const plain = withoutStyle(wrong);
  const same = names.find((name) => withoutStyle(name) === plain);
  if (same !== undefined) return same;
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(wrong.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(wrong, name);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** `maxQOS`, `MAX_QOS` and `max-qos` are the same but for what is customary elsewhere. */
function withoutStyle(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase();
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
