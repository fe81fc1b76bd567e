import { useState } from 'preact/hooks';
import type { Subscription } from '../../mqtt/packets.ts';
import { Panel } from '../../parts/basic.tsx';
import {
  CheckField,
  Field,
  NumberField,
  type QoS,
  QosField,
  TextField,
} from '../../parts/fields.tsx';
import { subscribe, subscriptions, unsubscribe } from './connection.ts';

/** What the client has subscribed to, and a form for more. */
export function SubscribeForm() {
  const [filter, setFilter] = useState('#');
  const [qos, setQos] = useState<QoS>(0);
  const [noLocal, setNoLocal] = useState(false);
  const [retainAsPublished, setRetainAsPublished] = useState(true);
  const [retainHandling, setRetainHandling] = useState<QoS>(0);
  const [identifier, setIdentifier] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    const subscription: Subscription = { filter, qos, noLocal, retainAsPublished, retainHandling };
    void subscribe(subscription, identifier === '' ? null : Number(identifier));
  };
  return (
    <Panel title="Subscribe">
      <form onSubmit={submit}>
        <div class="fields">
          <TextField
            label="Topic filter"
            name="filter"
            value={filter}
            isRequired
            onChange={setFilter}
          />
          <QosField value={qos} onChange={setQos} />
        </div>
        <details>
          <summary>Options of MQTT 5</summary>
          <div class="fields">
            <CheckField
              label="No Local: not what this client publishes itself"
              value={noLocal}
              onChange={setNoLocal}
            />
            <CheckField
              label="Retain As Published"
              value={retainAsPublished}
              onChange={setRetainAsPublished}
            />
            <Field label="Retained messages">
              <select
                value={String(retainHandling)}
                onChange={(event) => setRetainHandling(Number(event.currentTarget.value) as QoS)}
              >
                <option value="0">send them</option>
                <option value="1">send them if the subscription is new</option>
                <option value="2">don’t send them</option>
              </select>
            </Field>
            <NumberField
              label="Subscription identifier"
              min={1}
              max={268_435_455}
              value={identifier}
              onChange={setIdentifier}
            />
          </div>
        </details>
        <button type="submit" class="primary">
          Subscribe
        </button>
        {subscriptions.value.length > 0 && (
          <ul class="chips" aria-label="Subscriptions">
            {subscriptions.value.map((each) => (
              <li key={each.filter}>
                <code>{each.filter}</code> <span class="muted">QoS {each.granted}</span>
                <button
                  type="button"
                  class="quiet"
                  aria-label={`unsubscribe from ${each.filter}`}
                  onClick={() => void unsubscribe(each.filter)}
                >
                  ✕
                </button>
              </li>
            ))}
          </ul>
        )}
      </form>
    </Panel>
  );
}
