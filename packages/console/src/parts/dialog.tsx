/** Questions before something is done, and what was said afterwards. */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure } from '../app/api-failure.ts';

/** A window above the page. Escape and a click beside it close it. */
export function Dialog(props: {
  readonly title: ComponentChildren;
  readonly children: ComponentChildren;
  onClose(): void;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it
    <dialog
      ref={element}
      aria-labelledby="dialog-title"
      onClose={props.onClose}
      onClick={(event) => {
        if (event.target === element.current) props.onClose();
      }}
    >
      <div class="dialog-body">
        <h2 id="dialog-title">{props.title}</h2>
        {props.children}
      </div>
    </dialog>
  );
}

/** A window with fields, which closes when what was to be done is done, and says otherwise why it could not. */
export function FormDialog(props: {
  readonly title: ComponentChildren;
  readonly action: string;
  readonly isDangerous?: boolean;
  readonly children: ComponentChildren;
  /** Throws {@link ApiFailure} when it can't be done. */
  onSubmit(): Promise<void>;
  onClose(): void;
}) {
  const { title, action, isDangerous, children, onSubmit, onClose } = props;
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await onSubmit();
      onClose();
    } catch (error) {
      setFailure(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        {children}
        {failure !== null && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={isDangerous ? 'danger' : 'primary'} disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: 'good' | 'bad';
}

const notices = signal<readonly Notice[]>([]);
const NOTICE_MS = 6_000;
const NOTICES_MAX = 4;
let nextId = 1;

/** Says for a moment what was done, or why it could not be. */
export function notify(text: string, tone: 'good' | 'bad' = 'good'): void {
  const notice = { id: nextId++, text, tone };
  notices.value = [...notices.value, notice].slice(-NOTICES_MAX);
  setTimeout(() => {
    notices.value = notices.value.filter((one) => one !== notice);
  }, NOTICE_MS);
}

/** Does something, and says that it is done, or why it could not be. @returns whether it was done */
export async function attempt(work: () => Promise<unknown>, done: string): Promise<boolean> {
  try {
    await work();
    notify(done);
    return true;
  } catch (error) {
    notify(messageOf(error), 'bad');
    return false;
  }
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, tone }) => (
        <p key={id} class={`notice ${tone}`}>
          {text}
        </p>
      ))}
    </div>
  );
}

function messageOf(error: unknown): string {
  if (error instanceof ApiFailure) return error.message;
  return error instanceof Error ? error.message : `${error}`;
}
