/** An option of a provider can't be used: its value, or the file that it names. */
export class ProviderOptionError extends Error {
  override readonly name = 'ProviderOptionError';
  /** The option, in the spelling of configuration files, such as `public-key`. */
  readonly option: string;

  /** @param message - what is wrong, and what is allowed; without secrets */
  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}
