import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * A user name or password as SCRAM compares it (SASLprep, RFC 4013); null when it has characters that are not allowed. The library is
 * loaded when the first one comes that has other characters than ASCII's.
 */
export function prepared(text: string): string | null {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  try {
    return (require('@mongodb-js/saslprep') as (text: string) => string)(text);
  } catch {
    return null;
  }
}
