import { useState } from 'preact/hooks';
import { usePoll } from '../../app/poll.ts';
import { Facts, Name, Panel } from '../../parts/basic.tsx';
import { CheckField, Field, NumberField, TextField } from '../../parts/fields.tsx';
import type { ListenerInfo } from '../listeners/listener-info.ts';
import { addressesOf } from './addresses.ts';
import { clientId, connect, disconnect, state } from './connection.ts';

/** Where to, and as whom. The password is kept nowhere. */
export function ConnectForm() {
  const { data } = usePoll<readonly ListenerInfo[]>('/listeners', { everyMs: null });
  const addresses = addressesOf(data ?? [], location);
  const [typed, setTyped] = useState<string | null>(null);
  const [name, setName] = useState(`console-${randomName()}`);
  const [userName, setUserName] = useState('');
  const [password, setPassword] = useState('');
  const [cleanStart, setCleanStart] = useState(true);
  const [keepAlive, setKeepAlive] = useState('60');
  const [expiry, setExpiry] = useState('');
  const [receiveMaximum, setReceiveMaximum] = useState('');
  const [willTopic, setWillTopic] = useState('');
  const [willPayload, setWillPayload] = useState('');
  const address = typed ?? addresses[0] ?? '';

  if (state.value !== 'closed') {
    const isConnecting = state.value === 'connecting';
    return (
      <Panel
        title={isConnecting ? 'Connecting …' : 'Connected'}
        actions={
          <button type="button" onClick={disconnect}>
            {isConnecting ? 'Give up' : 'Disconnect'}
          </button>
        }
      >
        <Facts
          facts={[
            ['As', <Name key="as" value={clientId.value} />],
            ['To', <Name key="to" value={address} />],
          ]}
        />
      </Panel>
    );
  }

  const submit = (event: Event) => {
    event.preventDefault();
    connect(address, {
      clientId: name,
      userName: userName === '' ? null : userName,
      password: password === '' ? null : password,
      cleanStart,
      keepAlive: Number(keepAlive),
      properties: {
        ...(expiry === '' ? {} : { sessionExpiryInterval: Number(expiry) }),
        ...(receiveMaximum === '' ? {} : { receiveMaximum: Number(receiveMaximum) }),
      },
      will:
        willTopic === ''
          ? null
          : {
              topic: willTopic,
              payload: new TextEncoder().encode(willPayload),
              qos: 0,
              retain: false,
              properties: {},
            },
    });
  };

  return (
    <Panel title="Connect">
      <form onSubmit={submit} autocomplete="off">
        <div class="fields">
          <Field label="Address">
            <input
              name="address"
              list="addresses"
              value={address}
              required
              pattern="wss?://.+"
              placeholder="ws://HOST:PORT/mqtt"
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
            <datalist id="addresses">
              {addresses.map((each) => (
                <option key={each} value={each} />
              ))}
            </datalist>
          </Field>
          {data !== null && addresses.length === 0 && (
            <p class="failure wide">
              The broker has no listener for WebSocket: <code>server.ws-bind</code> opens one.
            </p>
          )}
          {location.protocol === 'https:' && address.startsWith('ws:') && (
            <p class="muted wide">
              A page that came by HTTPS may open wss: only; browsers refuse this one.
            </p>
          )}
          <TextField label="Client identifier" name="clientid" value={name} onChange={setName} />
          <Field label="User name">
            <input
              name="mqtt-user"
              autocomplete="off"
              value={userName}
              onInput={(event) => setUserName(event.currentTarget.value)}
            />
          </Field>
          <Field label="Password">
            <input
              name="mqtt-password"
              type="password"
              autocomplete="new-password"
              value={password}
              onInput={(event) => setPassword(event.currentTarget.value)}
            />
          </Field>
        </div>
        <details>
          <summary>Session, limits, will</summary>
          <div class="fields">
            <CheckField label="Clean Start" value={cleanStart} onChange={setCleanStart} />
            <NumberField
              label="Session expiry (seconds)"
              max={4294967295}
              value={expiry}
              onChange={setExpiry}
            />
            <NumberField
              label="Keep alive (seconds)"
              max={65535}
              value={keepAlive}
              onChange={setKeepAlive}
            />
            <NumberField
              label="Receive Maximum"
              min={1}
              max={65535}
              value={receiveMaximum}
              onChange={setReceiveMaximum}
            />
            <TextField label="Topic of the will" value={willTopic} onChange={setWillTopic} />
            <TextField label="Payload of the will" value={willPayload} onChange={setWillPayload} />
          </div>
        </details>
        <button type="submit" class="primary">
          Connect
        </button>
      </form>
    </Panel>
  );
}

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
