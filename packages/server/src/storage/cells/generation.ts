/** Of the hexadecimal digits of a log's identity: 48 bits, so that a number holds them. */
const DIGITS = 12;

/**
 * Which numbering the sequences of a log's messages to other cells are of: a log that begins again has another one.
 *
 * @param logId - the identity of the log, in hexadecimal
 */
export function generationOf(logId: string): number {
  return Number.parseInt(logId.slice(0, DIGITS), 16);
}
