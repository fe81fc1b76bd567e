import type { HttpAnswer } from '../web/http-client.ts';

/** An answer can't be understood: nobody is let in by it. The message has nothing of the answer but names. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

/** What an answer may be that says no: it is shown in the log. */
const REASON_LENGTH_MAX = 200;

/**
 * The object in JSON that an answer has.
 *
 * @throws {AnswerError} when it has none, or doesn't say that it is JSON
 */
export function objectOf(answer: HttpAnswer): Readonly<Record<string, unknown>> {
  const type = answer.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new AnswerError(
      `it answered with the content type ${type ?? 'none'}, not application/json`,
    );
  }
  return parsedOf(answer);
}

/** The same, whatever it says that it is. */
export function parsedOf({ body }: HttpAnswer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new AnswerError('it answered with what is not JSON');
  }
  if (!isRecord(value)) throw new AnswerError('it answered with JSON that is not an object');
  return value;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Seconds for which an answer may be used again (RFC 9111, 5.2.2), as its header `Cache-Control` says; undefined where it says nothing of
 * it.
 */
export function maxAgeOf(answer: HttpAnswer): number | undefined {
  const directives = (answer.header('cache-control') ?? '').toLowerCase().split(',');
  for (const directive of directives) {
    const name = directive.trim();
    if (name === 'no-store' || name === 'no-cache') return 0;
    const seconds = /^max-age=(\d{1,9})$/.exec(name)?.[1];
    if (seconds !== undefined) return Number(seconds);
  }
  return undefined;
}

/** Why an answer says no, for the log. */
export function reasonOf(value: unknown): string {
  const text = typeof value === 'string' ? value : 'without a reason';
  return text.length > REASON_LENGTH_MAX ? `${text.slice(0, REASON_LENGTH_MAX)}…` : text;
}
