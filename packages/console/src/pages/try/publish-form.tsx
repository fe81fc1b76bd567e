import { useState } from 'preact/hooks';
import { fromBase64, fromHex } from '../../model/payload.ts';
import type { Properties } from '../../mqtt/properties.ts';
import { Panel } from '../../parts/basic.tsx';
import {
  CheckField,
  Field,
  NumberField,
  type QoS,
  QosField,
  TextField,
} from '../../parts/fields.tsx';
import { UserProperties } from '../../parts/user-properties.tsx';
import { publish } from './connection.ts';
import { draft } from './draft.ts';

type Encoding = 'text' | 'hex' | 'base64';

/** A message with all that MQTT 5 has for one. */
export function PublishForm() {
  const { topic, payload, correlationData } = draft.value;
  const [encoding, setEncoding] = useState<Encoding>('text');
  const [qos, setQos] = useState<QoS>(0);
  const [retain, setRetain] = useState(false);
  const [isText, setIsText] = useState(false);
  const [contentType, setContentType] = useState('');
  const [responseTopic, setResponseTopic] = useState('');
  const [expiry, setExpiry] = useState('');
  const [userProperties, setUserProperties] = useState<[string, string][]>([]);
  const [fault, setFault] = useState<string | null>(null);

  const submit = (event: Event) => {
    event.preventDefault();
    try {
      const encoder = new TextEncoder();
      const properties: Properties = {
        ...(isText ? { payloadFormatIndicator: 1 } : {}),
        ...(contentType === '' ? {} : { contentType }),
        ...(responseTopic === '' ? {} : { responseTopic }),
        ...(correlationData === '' ? {} : { correlationData: encoder.encode(correlationData) }),
        ...(expiry === '' ? {} : { messageExpiryInterval: Number(expiry) }),
        ...(userProperties.length === 0 ? {} : { userProperties }),
      };
      const bytes = bytesOf(payload, encoding);
      setFault(null);
      void publish({ topic, payload: bytes, qos, retain, properties });
    } catch (error) {
      setFault((error as Error).message);
    }
  };

  return (
    <Panel title="Publish">
      <form onSubmit={submit}>
        <div class="fields">
          <TextField
            label="Topic"
            name="topic"
            value={topic}
            isRequired
            onChange={(text) => {
              draft.value = { ...draft.value, topic: text };
            }}
          />
          <QosField value={qos} onChange={setQos} />
          <CheckField label="Retain" name="retain" value={retain} onChange={setRetain} />
        </div>
        <Field label="Payload">
          <textarea
            name="payload"
            rows={4}
            spellcheck={false}
            value={payload}
            onInput={(event) => {
              draft.value = { ...draft.value, payload: event.currentTarget.value };
            }}
          />
        </Field>
        <div class="fields">
          <Field label="Written as">
            <select
              value={encoding}
              onChange={(event) => setEncoding(event.currentTarget.value as Encoding)}
            >
              <option value="text">text (UTF-8)</option>
              <option value="hex">hex</option>
              <option value="base64">Base64</option>
            </select>
          </Field>
        </div>
        <details>
          <summary>Properties of MQTT 5</summary>
          <div class="fields">
            <TextField label="Content type" value={contentType} onChange={setContentType} />
            <TextField label="Response topic" value={responseTopic} onChange={setResponseTopic} />
            <TextField
              label="Correlation data"
              value={correlationData}
              onChange={(value) => {
                draft.value = { ...draft.value, correlationData: value };
              }}
            />
            <NumberField
              label="Expires after (seconds)"
              max={4_294_967_295}
              value={expiry}
              onChange={setExpiry}
            />
            <CheckField
              label="Payload Format Indicator: it is text"
              value={isText}
              onChange={setIsText}
            />
          </div>
          <UserProperties value={userProperties} onChange={setUserProperties} />
        </details>
        {fault !== null && (
          <p class="failure" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class="primary">
          Publish
        </button>
      </form>
    </Panel>
  );
}

/** @throws {TypeError} with what is wrong */
function bytesOf(text: string, encoding: Encoding): Uint8Array {
  switch (encoding) {
    case 'hex':
      return fromHex(text);
    case 'base64':
      return fromBase64(text);
    default:
      return new TextEncoder().encode(text);
  }
}
