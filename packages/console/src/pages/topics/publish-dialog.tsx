import { useState } from 'preact/hooks';
import { post } from '../../app/api.ts';
import { exactText, toBase64 } from '../../model/payload.ts';
import { FormDialog, notify } from '../../parts/dialog.tsx';
import { CheckField, Choice, Field, TextField } from '../../parts/fields.tsx';

/** What the form begins with. */
export interface PublishDraft {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/** Publishes a message by the API; also how one that is retained is changed. */
export function PublishDialog({
  draft,
  onClose,
}: {
  readonly draft: PublishDraft;
  readonly onClose: () => void;
}) {
  // Bytes that are no text are written as Base64: a text field would change them.
  const text = exactText(draft.payload);
  const [topic, setTopic] = useState(draft.topic);
  const [payload, setPayload] = useState(text ?? toBase64(draft.payload));
  const [encoding, setEncoding] = useState<'plain' | 'base64'>(text === null ? 'base64' : 'plain');
  const [qos, setQos] = useState<'0' | '1' | '2'>(`${draft.qos}`);
  const [retain, setRetain] = useState(draft.retain);
  return (
    <FormDialog
      title={draft.retain ? 'Change the retained message' : 'Publish a message'}
      action="Publish"
      onSubmit={async () => {
        const message = { topic, payload, payload_encoding: encoding, qos: Number(qos), retain };
        const answer = await post<{ reason_code?: number }>('/publish', message, { waitMs: null });
        const nobody = answer?.reason_code === 16;
        notify(nobody ? 'published; nobody has subscribed to it' : 'published');
      }}
      onClose={onClose}
    >
      <TextField label="Topic" name="topic" value={topic} isRequired onChange={setTopic} />
      <Field label="Payload">
        <textarea
          name="payload"
          rows={8}
          spellcheck={false}
          value={payload}
          onInput={(event) => setPayload(event.currentTarget.value)}
        />
      </Field>
      <div class="bar">
        <Choice
          label="Payload is written as"
          value={encoding}
          options={[
            ['plain', 'text (UTF-8)'],
            ['base64', 'Base64'],
          ]}
          onChoose={(value) => setEncoding(value)}
        />
        <Choice
          label="QoS"
          value={qos}
          options={[
            ['0', 'QoS 0'],
            ['1', 'QoS 1'],
            ['2', 'QoS 2'],
          ]}
          onChoose={(value) => setQos(value)}
        />
        <CheckField label="Retain" name="retain" value={retain} onChange={setRetain} />
      </div>
      {retain && payload === '' && (
        <p class="muted">Without a payload, what is retained of the topic is cleared.</p>
      )}
    </FormDialog>
  );
}
