/** Small things that all pages are made of. */
import type { ComponentChildren } from 'preact';
import type { ApiFailure } from '../app/api-failure.ts';
import { ago, moment, visible } from '../app/format.ts';
import { now } from '../app/now.ts';

/** The tone of a badge or a number: what it says of the broker's health. */
export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'info';

/** The title of a page, with what can be done there. */
export function PageHead(props: {
  readonly title: ComponentChildren;
  readonly about?: ComponentChildren;
  readonly children?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <div>
        <h1>{props.title}</h1>
        {props.about !== undefined && <p class="muted">{props.about}</p>}
      </div>
      <div class="actions">{props.children}</div>
    </header>
  );
}

/** A part of a page with a frame. */
export function Panel(props: {
  readonly title: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
  /** Whether what is in it reaches the frame, as tables do. */
  readonly isFlush?: boolean;
}) {
  return (
    <section class={props.isFlush ? 'panel flush' : 'panel'}>
      <header class="panel-head">
        <h2>{props.title}</h2>
        <div class="actions">{props.actions}</div>
      </header>
      <div class="panel-body">{props.children}</div>
    </section>
  );
}

export function Badge(props: { readonly tone?: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${props.tone ?? 'plain'}`}>{props.children}</span>;
}

/** What clients chose: identifiers, topics, user names, texts. Characters that can't be seen are shown as what they are. */
export function Name(props: {
  readonly value: string | null | undefined;
  /** What stands for null and nothing. */
  readonly none?: string;
  /** Characters that are shown at most. */
  readonly max?: number;
}) {
  const { value, none = '–', max = 160 } = props;
  if (value == null || value === '') return <span class="muted">{none}</span>;
  const isCut = value.length > max;
  const shown = visible(isCut ? value.slice(0, max) : value);
  return (
    <bdi class="name" title={isCut ? `${shown}… (${value.length} characters)` : shown}>
      {shown}
      {isCut && <span class="muted">… {value.length} characters</span>}
    </bdi>
  );
}

/** Terms and what they are, in two columns. */
export function Facts(props: {
  readonly facts: readonly (readonly [term: string, value: ComponentChildren])[];
}) {
  return (
    <dl class="facts">
      {props.facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value ?? <span class="muted">–</span>}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A time: how long ago it was, and when exactly for who points at it. */
export function Ago(props: { readonly at: number | string | null | undefined }) {
  const at = timeOf(props.at);
  if (at === null) return <span class="muted">–</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={moment(at, 0)}>
      {ago(at, now.value)}
    </time>
  );
}

/** What is shown where there is nothing. */
export function Empty(props: { readonly children: ComponentChildren }) {
  return <p class="empty">{props.children}</p>;
}

/** Why something can't be shown. */
export function Failure(props: { readonly failure: ApiFailure | null }) {
  const { failure } = props;
  if (failure === null || failure.isOffline) return null;
  const what = failure.status === 403 ? 'This key may not see this' : 'This can not be shown';
  return (
    <p class="failure" role="alert">
      <strong>{what}:</strong> {failure.message}
    </p>
  );
}

/** A number with a word, at the top of a page. */
export function Tile(props: {
  readonly label: string;
  readonly value: ComponentChildren;
  /** Below it, such as a unit or what it is compared to. */
  readonly note?: ComponentChildren;
  readonly tone?: Tone;
  readonly title?: string;
}) {
  return (
    <div class={`tile ${props.tone ?? 'plain'}`} title={props.title}>
      <span class="tile-label">{props.label}</span>
      <span class="tile-value">{props.value}</span>
      <span class="tile-note">{props.note ?? ' '}</span>
    </div>
  );
}

function timeOf(at: number | string | null | undefined): number | null {
  if (at == null) return null;
  const time = typeof at === 'number' ? at : Date.parse(at);
  return Number.isNaN(time) ? null : time;
}
