import { useState } from 'preact/hooks';
import { ApiFailure } from '../app/api-failure.ts';
import { logIn } from '../app/login.ts';
import { Field } from '../parts/fields.tsx';

/** Who hasn't logged in sees this instead of any page. */
export function LoginPage() {
  const [key, setKey] = useState('');
  const [secret, setSecret] = useState('');
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      await logIn(key.trim(), secret.trim());
    } catch (error) {
      setFailure(textOf(error));
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="login-card" onSubmit={submit}>
        <h1>
          <span class="brand-mark" aria-hidden="true" />
          PromptMQ
        </h1>
        <Field label="API key">
          <input
            name="key"
            autocomplete="username"
            spellcheck={false}
            required
            ref={(input) => {
              if (key === '') input?.focus();
            }}
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </Field>
        <Field label="Secret">
          <input
            name="secret"
            type="password"
            autocomplete="current-password"
            required
            value={secret}
            onInput={(event) => setSecret(event.currentTarget.value)}
          />
        </Field>
        {failure !== null && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        <button type="submit" class="primary wide" disabled={isBusy}>
          Log in
        </button>
        <div class="login-hint">
          <p>No key yet? Make one where the broker runs:</p>
          <pre>promptmq admin key create NAME --scope read</pre>
          <p>
            With <code>--scope read,publish,clients,auth,config</code> it may change things, too.
          </p>
        </div>
      </form>
    </main>
  );
}

function textOf(error: unknown): string {
  if (!(error instanceof ApiFailure)) return `${error}`;
  if (error.status === 401) return 'There is no such key with this secret.';
  if (error.status === 429) return 'Too many attempts: wait a minute, and try again.';
  return error.message;
}
