export type TestBrokerErrorCode =
  /** An argument that isn't allowed; nothing has happened. */
  | 'bad-argument'
  /** What was waited for hasn't come. */
  | 'not-received'
  /** The test broker is disposed of, or is being restarted. */
  | 'stopped';

/** What went wrong with a test broker. */
export class TestBrokerError extends Error {
  override readonly name = 'TestBrokerError';
  readonly code: TestBrokerErrorCode;

  constructor(code: TestBrokerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws {TestBrokerError} `bad-argument`: where it was given, what it was, what is allowed */
export function badArgument(where: string, value: unknown, allowed: string): never {
  throw new TestBrokerError('bad-argument', `${where}: ${shown(value)} is not ${allowed}`);
}

/** A value in an error message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value).slice(0, 100);
  } catch {
    return 'an object';
  }
}

/** @throws {TestBrokerError} `bad-argument` for an option that there isn't */
export function onlyOptions(where: string, options: object, allowed: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (allowed.includes(key)) continue;
    throw new TestBrokerError(
      'bad-argument',
      `${where}: there is no option ${key}: there are ${allowed.join(', ')}`,
    );
  }
}
