import type { StreamEvent } from '../../app/event-stream.ts';

/** A line of the log. */
export interface LogLine {
  /** Of the console. */
  readonly key: number;
  /** Of the broker, counting up; null for what the stream says itself. */
  readonly id: number | null;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: string;
  readonly event: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** A line as the API has it. */
interface ShownLine {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

let nextKey = 1;

/** Null for what is no line. */
export function logLineOf({ type, data, id }: StreamEvent): LogLine | null {
  if (type === 'dropped') {
    const { count } = JSON.parse(data) as { count: number };
    const fields = [['lines', `${count}`]] as const;
    return { key: nextKey++, id: null, at: Date.now(), level: 'warn', event: 'left out', fields };
  }
  if (type !== 'log') return null;
  const { time, level, event, fields = {} } = JSON.parse(data) as ShownLine;
  return {
    key: nextKey++,
    id: Number(id),
    at: Date.parse(time),
    level,
    event,
    fields: Object.entries(fields).map(([name, value]) => [name, textOf(value)] as const),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
