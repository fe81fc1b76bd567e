/** Why a command isn't carried out; its message is what the client is answered, in the words of mosquitto. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}
