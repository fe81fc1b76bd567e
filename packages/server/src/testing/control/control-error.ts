/** Why a request gets no answer but an error. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  /** Of HTTP. */
  readonly status: number;
  /** For programs. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

/** @throws {ControlError} 400 for a field that there isn't, with those that there are */
export function onlyFields(verb: string, fields: Fields, allowed: readonly string[]): void {
  for (const key of Object.keys(fields)) {
    if (allowed.includes(key)) continue;
    const list = allowed.length === 0 ? 'it takes none' : `there are ${allowed.join(', ')}`;
    throw new ControlError(400, 'bad-argument', `${verb}: there is no field ${key}: ${list}`);
  }
}
