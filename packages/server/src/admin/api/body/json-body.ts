import { ApiError } from '../api-error.ts';

/** Lists and objects within each other. What reads, checks and writes values calls itself for each, and a stack has an end. */
const LEVELS_MAX = 64;

/**
 * The value that comes with a request; undefined for none.
 *
 * @throws {ApiError} 400
 */
export function jsonBody(text: string): unknown {
  if (text === '') return undefined;
  if (isTooDeep(text)) {
    const why = `the body has more than ${LEVELS_MAX} lists and objects within each other`;
    throw new ApiError(400, 'BAD_REQUEST', why);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, 'BAD_REQUEST', `the body is no JSON: ${(error as Error).message}`);
  }
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Of what is JSON; of what isn't, it says whatever it says. */
function isTooDeep(text: string): boolean {
  let level = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isText) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) isText = false;
    } else if (code === QUOTE) {
      isText = true;
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++level > LEVELS_MAX) return true;
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      level--;
    }
  }
  return false;
}
