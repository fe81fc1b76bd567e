/** An error that is answered as `{ code, message }`. */
export class ApiError extends Error {
  readonly status: number;
  /** In capitals, such as `NOT_FOUND`. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
