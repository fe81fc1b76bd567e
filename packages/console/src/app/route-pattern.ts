/**
 * Matches a path such as `/clients/a%2Fb` to a pattern such as `/clients/:clientId`.
 *
 * @returns its parameters, decoded; null when it doesn't match, or can't be decoded
 */
export function matchRoute(pattern: string, path: string): Readonly<Record<string, string>> | null {
  const wanted = pattern.split('/');
  const found = path.split('/');
  if (wanted.length !== found.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = found[index] as string;
    if (!part.startsWith(':')) {
      if (part !== text) return null;
      continue;
    }
    try {
      params[part.slice(1)] = decodeURIComponent(text);
    } catch {
      return null;
    }
  }
  return params;
}
