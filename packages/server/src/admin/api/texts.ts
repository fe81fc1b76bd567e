/** RFC 3339, in UTC; null stays null. */
export function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** `192.0.2.1:50000` or `[2001:db8::1]:50000` in its parts; what has no port is all host. */
export function splitAddress(address: string | null): {
  readonly host: string | null;
  readonly port: number | null;
} {
  const match = address === null ? null : /^\[?(.*?)\]?:(\d{1,5})$/.exec(address);
  if (match === null) return { host: address, port: null };
  return { host: match[1] as string, port: Number(match[2]) };
}
