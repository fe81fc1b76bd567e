/** UTF-16 units of a text that are kept; texts that begin with as many of the same count together. */
const KEY_LENGTH_MAX = 256;

/** A text of a client as it is kept: not longer than so much, and of itself, without the text that it was cut from. */
export function keptKey(text: string): string {
  return text.length <= KEY_LENGTH_MAX ? text : `${alone(text.slice(0, KEY_LENGTH_MAX))}…`;
}

/**
 * The prefix by which a topic is counted: a filter that matches it, with so many levels and `#`; the topic itself when it has fewer.
 */
export function prefixOf(topic: string, depth: number): string {
  let end = -1;
  for (let level = 0; level < depth; level++) {
    const next = topic.indexOf('/', end + 1);
    if (next === -1) return level === depth - 1 ? keptKey(`${topic}/#`) : keptKey(topic);
    end = next;
  }
  const prefix = topic.slice(0, end);
  return keptKey(`${topic.length > KEY_LENGTH_MAX ? alone(prefix) : prefix}/#`);
}

/** V8 has what is cut out of a text refer to it. */
function alone(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
