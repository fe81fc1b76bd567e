import type { ExpositionFormat } from './metrics-registry.ts';

const MEDIA_TYPES: readonly (readonly [string, ExpositionFormat])[] = [
  ['text/plain', 'prometheus'],
  ['application/openmetrics-text', 'openmetrics'],
];

/**
 * The format that an Accept header asks for (RFC 9110, 12.5.1): OpenMetrics only where it is named, and
 * not ranked below plain text. Whoever accepts neither gets plain text.
 */
export function negotiateFormat(accept: string | undefined): ExpositionFormat {
  const quality: Record<ExpositionFormat, number> = { prometheus: 0, openmetrics: 0 };
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    const format = MEDIA_TYPES.find(([name]) => name === type)?.[1];
    // Of several versions of a format, the one that is wanted most counts.
    if (format !== undefined) quality[format] = Math.max(quality[format], Number(q) || 0);
  }
  return quality.openmetrics > 0 && quality.openmetrics >= quality.prometheus
    ? 'openmetrics'
    : 'prometheus';
}
