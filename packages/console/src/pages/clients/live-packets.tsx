import { useState } from 'preact/hooks';
import { path } from '../../app/api.ts';
import type { StreamEvent } from '../../app/event-stream.ts';
import { type Stream, useStream } from '../../app/events.ts';
import { clock, count } from '../../app/format.ts';
import { Badge, Empty, Failure, Name } from '../../parts/basic.tsx';

/** What the broker says of a client that is watched. Of payloads and secrets it has only the size. */
interface Traced {
  readonly id: number;
  readonly at: number;
  readonly event: string;
  readonly direction?: string;
  readonly packet?: string;
  readonly rest: string;
}

const SHOWN_MAX = 300;

let nextId = 1;

function readTraced({ type, data }: StreamEvent): Traced | null {
  try {
    const { ts = Date.now(), event = type, direction, packet, ...rest } = JSON.parse(data);
    return { id: nextId++, at: ts, event, direction, packet, rest: textOf(rest) };
  } catch {
    return null;
  }
}

function textOf(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('  ');
}

/** The packets of a client as they come and go. */
export function LivePackets({ clientId }: { readonly clientId: string }) {
  const [isOn, setOn] = useState(true);
  const stream = useStream<Traced>(isOn ? path`/clients/${clientId}/trace` : null, {
    itemsMax: SHOWN_MAX,
    read: readTraced,
  });
  return (
    <>
      <p class="toolbar tab-toolbar">
        <button type="button" onClick={() => setOn(!isOn)}>
          {isOn ? 'Pause' : 'Go on'}
        </button>
        <button type="button" onClick={stream.clear}>
          Clear
        </button>
        <StreamBadge stream={stream} />
      </p>
      <Failure failure={stream.failure} />
      <div class="packets" role="log" aria-label="Packets">
        {stream.items.length === 0 && <Empty>Nothing has come or gone since.</Empty>}
        {stream.items.toReversed().map((one) => (
          <p key={one.id} class="packet">
            <time class="muted mono">{clock(one.at)}</time>
            <span class={`direction ${one.direction === 'in' ? 'in' : 'out'}`}>{arrowOf(one)}</span>
            <b class="mono">{one.packet ?? one.event}</b>
            <Name value={one.rest} none="" max={500} />
          </p>
        ))}
      </div>
    </>
  );
}

function arrowOf({ direction }: Traced): string {
  if (direction === undefined) return '·';
  return direction === 'in' ? '→ broker' : '← broker';
}

function StreamBadge({ stream }: { readonly stream: Stream<unknown> }) {
  const { state, items, goneCount } = stream;
  return (
    <>
      <Badge tone={state === 'open' ? 'good' : 'plain'}>{state === 'open' ? 'live' : state}</Badge>
      <span class="muted">
        {count(items.length)} shown{goneCount > 0 && `, ${count(goneCount)} older ones are gone`}
      </span>
    </>
  );
}
