import { useState } from 'preact/hooks';
import type { Subscription } from '../../mqtt/packets.ts';
import { Panel } from '../../parts/basic.tsx';
import { Field } from '../../parts/fields.tsx';
import { subscribe, subscriptions, unsubscribe } from './connection.ts';

type QoS = 0 | 1 | 2;

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
          <Field label="Topic filter">
            <input
              name="filter"
              value={filter}
              required
              onInput={(event) => setFilter(event.currentTarget.value)}
            />
          </Field>
          <QosSelect value={qos} onChange={setQos} />
        </div>
        <details>
          <summary>Options of MQTT 5</summary>
          <div class="fields">
            <label class="check">
              <input
                type="checkbox"
                checked={noLocal}
                onChange={(event) => setNoLocal(event.currentTarget.checked)}
              />
              No Local: not what this client publishes itself
            </label>
            <label class="check">
              <input
                type="checkbox"
                checked={retainAsPublished}
                onChange={(event) => setRetainAsPublished(event.currentTarget.checked)}
              />
              Retain As Published
            </label>
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
            <Field label="Subscription identifier">
              <input
                type="number"
                min="1"
                max="268435455"
                value={identifier}
                onInput={(event) => setIdentifier(event.currentTarget.value)}
              />
            </Field>
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

export function QosSelect({
  value,
  onChange,
}: {
  readonly value: QoS;
  readonly onChange: (qos: QoS) => void;
}) {
  return (
    <Field label="QoS">
      <select
        name="qos"
        value={String(value)}
        onChange={(event) => onChange(Number(event.currentTarget.value) as QoS)}
      >
        <option value="0">0 – at most once</option>
        <option value="1">1 – at least once</option>
        <option value="2">2 – exactly once</option>
      </select>
    </Field>
  );
}
