/** Why a request was not answered as asked. */
export class ApiFailure extends Error {
  /** Of HTTP; 0 when the broker could not be reached. */
  readonly status: number;
  /** Such as NOT_FOUND. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  get isOffline(): boolean {
    return this.status === 0;
  }
}
