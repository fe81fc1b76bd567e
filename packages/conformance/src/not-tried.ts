/** Why a case says nothing about a broker: it can't be asked for it. */
export class NotTriedError extends Error {
  override readonly name = 'NotTriedError';
}
