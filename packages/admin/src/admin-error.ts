/** The broker has answered with an error. */
export class AdminError extends Error {
  /** Of HTTP, such as 404. */
  readonly status: number;
  /** What kind of error it is, such as `NOT_FOUND`. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'AdminError';
    this.status = status;
    this.code = code;
  }

  /** @param response - whose status is an error's; its body is read */
  static async of(response: Response): Promise<AdminError> {
    const text = await response.text();
    try {
      const { code, message } = JSON.parse(text) as { code: unknown; message: unknown };
      if (typeof code === 'string' && typeof message === 'string') {
        return new AdminError(response.status, code, message);
      }
    } catch {
      // It comes from something else than the API, such as a proxy.
    }
    const what = response.statusText === '' ? 'no error of the admin API' : response.statusText;
    return new AdminError(response.status, 'UNKNOWN', `${response.status} ${what}`);
  }
}
