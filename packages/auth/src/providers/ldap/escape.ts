/*
 * What a client says, as it may stand in what a directory is asked. More is escaped than has to be: both standards allow it for every
 * byte, and what is left has no meaning anywhere.
 */

/** A value in a distinguished name (RFC 4514, 2.4). */
export function dnText(value: string): string {
  return escaped(value, /[^A-Za-z0-9@._-]/u);
}

/** A value in a search filter (RFC 4515, 3). */
export function filterText(value: string): string {
  // What isn't ASCII stands for itself: libraries take escaped bytes for characters.
  return escaped(value, /[^A-Za-z0-9@._\u0080-\u{10ffff}-]/u);
}

function escaped(value: string, unsafe: RegExp): string {
  let text = '';
  for (const character of value) {
    if (!unsafe.test(character)) {
      text += character;
      continue;
    }
    for (const byte of Buffer.from(character)) text += `\\${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}
