/** What of `permessage-deflate` (RFC 7692) a client and we agree on. */
export interface DeflateTerms {
  /** Of the window with which we compress: 9 to 15. */
  readonly windowBits: number;
  /** What we answer, as a header field. */
  readonly answer: string;
}

const WINDOW_BITS_MAX = 15;

/**
 * Chooses among what a client offers in Sec-WebSocket-Extensions; null when it offers nothing that we have. No message depends on
 * the ones before it, in either direction: so nothing is kept for a client between two messages.
 */
export function agreeOnDeflate(offers: string | undefined): DeflateTerms | null {
  for (const offer of (offers ?? '').split(',')) {
    const terms = termsOf(offer);
    if (terms !== null) return terms;
  }
  return null;
}

function termsOf(offer: string): DeflateTerms | null {
  const [name, ...parameters] = offer.split(';').map((part) => part.trim());
  if (name !== 'permessage-deflate') return null;
  const seen = new Set<string>();
  let windowBits = WINDOW_BITS_MAX;
  for (const parameter of parameters) {
    const [key = '', value] = parameter.split('=', 2).map((part) => part.trim());
    if (seen.has(key)) return null;
    seen.add(key);
    if (key === 'server_no_context_takeover' || key === 'client_no_context_takeover') {
      if (value !== undefined) return null;
    } else if (key === 'server_max_window_bits') {
      windowBits = bitsOf(value ?? '');
    } else if (key !== 'client_max_window_bits' || bitsOf(value ?? '15') === 0) return null;
  }
  // zlib has no window of 8 bits.
  if (windowBits < 9) return null;
  const bits = seen.has('server_max_window_bits') ? `; server_max_window_bits=${windowBits}` : '';
  const answer = `permessage-deflate; server_no_context_takeover; client_no_context_takeover${bits}`;
  return { windowBits, answer };
}

/** 8 to 15; 0 when it is none. */
function bitsOf(value: string): number {
  const text = /^"(.*)"$/.exec(value)?.[1] ?? value;
  return /^(8|9|1[0-5])$/.test(text) ? Number(text) : 0;
}
