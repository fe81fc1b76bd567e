import { badArgument } from './test-broker-error.ts';

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** 10 years. */
const DURATION_MS_MAX = 315_576_000_000;

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1000,
  MB: 1_000_000,
  KIB: 1024,
  MIB: 1_048_576,
};

/**
 * A duration in milliseconds. A bare number is refused: half of those who read it would take it for seconds.
 *
 * @param where - for the error
 * @throws {TestBrokerError} `bad-argument`
 */
export function parseDuration(where: string, value: unknown): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null;
  const ms =
    match === null ? Number.NaN : Number(match[1]) * (MILLISECONDS[match[2] as string] as number);
  if (ms <= DURATION_MS_MAX) return ms;
  return badArgument(where, value, "a duration such as '100ms', '30s' or '2h', up to 10 years");
}

/** Bytes a second, of `1KB/s` and the like. @throws {TestBrokerError} `bad-argument` */
export function parseRate(where: string, value: unknown): number {
  const match =
    typeof value === 'string' ? /^(\d+(?:\.\d+)?)(B|KB|MB|KiB|MiB)\/s$/i.exec(value) : null;
  const rate =
    match === null ? 0 : Number(match[1]) * (BYTES[(match[2] as string).toUpperCase()] as number);
  if (rate > 0) return rate;
  return badArgument(where, value, "a rate such as '100B/s', '1KB/s' or '1MB/s', above 0");
}
