/** What is typed and chosen. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { route, setQuery } from '../app/router.ts';

/** Who types is waited for this long. */
const TYPING_MS = 250;

/** A text to search for. `/` leads to it. */
export function SearchField(props: {
  readonly label: string;
  readonly value: string;
  /** Called when nothing more has been typed for a moment. */
  onSearch(text: string): void;
}) {
  const { label, value, onSearch } = props;
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onInput = (next: string) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(next), TYPING_MS);
  };
  return (
    <input
      type="search"
      class="search"
      data-search
      placeholder={label}
      aria-label={label}
      value={text}
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  );
}

/** A choice among a few. */
export function Choice<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [value: T, text: string])[];
  onChoose(value: T): void;
}) {
  return (
    <select
      aria-label={props.label}
      value={props.value}
      onChange={(event) => props.onChoose(event.currentTarget.value as T)}
    >
      {props.options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

/** A field of a form with its name above it. */
export function Field(props: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label class="field">
      <span class="field-label">{props.label}</span>
      {props.children}
      {props.hint !== undefined && <span class="field-hint">{props.hint}</span>}
    </label>
  );
}

/** A field for a line of text. */
export function TextField(props: {
  readonly label: string;
  readonly value: string;
  readonly hint?: ComponentChildren;
  /** Of the element, such as `topic`. */
  readonly name?: string;
  readonly placeholder?: string;
  readonly isRequired?: boolean;
  /** Whether it can't be changed. */
  readonly isFixed?: boolean;
  readonly lengthMax?: number;
  onChange(text: string): void;
}) {
  const { label, value, hint, name, placeholder, isRequired, isFixed, lengthMax, onChange } = props;
  return (
    <Field label={label} hint={hint}>
      <input
        name={name}
        value={value}
        required={isRequired}
        disabled={isFixed}
        maxLength={lengthMax}
        placeholder={placeholder}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </Field>
  );
}

/** A field for a whole number; its text is empty where it is left out. */
export function NumberField(props: {
  readonly label: string;
  readonly value: string;
  readonly min?: number;
  readonly max: number;
  onChange(text: string): void;
}) {
  const { label, value, min = 0, max, onChange } = props;
  return (
    <Field label={label}>
      <input
        type="number"
        min={min}
        max={max}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </Field>
  );
}

/** Something that is on or off. */
export function CheckField(props: {
  readonly label: string;
  readonly value: boolean;
  readonly name?: string;
  onChange(isOn: boolean): void;
}) {
  const { label, value, name, onChange } = props;
  return (
    <label class="check">
      <input
        type="checkbox"
        name={name}
        checked={value}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

export type QoS = 0 | 1 | 2;

const QOS_TEXTS = ['0 – at most once', '1 – at least once', '2 – exactly once'] as const;

/** A field for a QoS. */
export function QosField(props: {
  readonly label?: string;
  readonly value: QoS;
  onChange(qos: QoS): void;
}) {
  const { label = 'QoS', value, onChange } = props;
  return (
    <Field label={label}>
      <select
        name="qos"
        value={`${value}`}
        onChange={(event) => onChange(Number(event.currentTarget.value) as QoS)}
      >
        {QOS_TEXTS.map((text, qos) => (
          <option key={text} value={`${qos}`}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** A question in one line: fields, and what asks it. */
export function QuestionForm(props: {
  /** What stands on the button. */
  readonly action: string;
  readonly children: ComponentChildren;
  onAsk(): void;
}) {
  const { action, children, onAsk } = props;
  return (
    <form
      class="question"
      onSubmit={(event) => {
        event.preventDefault();
        onAsk();
      }}
    >
      {children}
      <button type="submit" class="primary">
        {action}
      </button>
    </form>
  );
}

/** A view among others: its name in the address, what stands on its tab, and what it shows. */
export type View<T extends string> = readonly [
  value: T,
  text: ComponentChildren,
  show: () => ComponentChildren,
];

/** Views of a page, one at a time: which one stands in the address, and the first one where none does. */
export function Views<T extends string>(props: {
  readonly label: string;
  readonly views: readonly [View<T>, ...View<T>[]];
}) {
  const { label, views } = props;
  const [first] = views;
  const chosen = route.value.query.get('view');
  const shown = views.find(([value]) => value === chosen) ?? first;
  return (
    <>
      <Tabs
        label={label}
        value={shown[0]}
        tabs={views.map(([value, text]) => [value, text] as const)}
        onChoose={(value) => setQuery({ view: value === first[0] ? null : value, page: null })}
      />
      {shown[2]()}
    </>
  );
}

/** Views of one thing, one at a time. */
export function Tabs<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly tabs: readonly (readonly [value: T, text: ComponentChildren])[];
  onChoose(value: T): void;
}) {
  const { label, value, tabs, onChoose } = props;
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const index = tabs.findIndex(([one]) => one === value);
    const next = tabs[(index + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    onChoose(next[0]);
    const bar = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => bar.querySelector<HTMLElement>('[aria-selected="true"]')?.focus());
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {tabs.map(([one, text]) => (
        <button
          key={one}
          type="button"
          role="tab"
          aria-selected={one === value}
          tabIndex={one === value ? 0 : -1}
          onClick={() => onChoose(one)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
