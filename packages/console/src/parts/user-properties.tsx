/** Rows of names and values, for user properties of MQTT 5. */
export function UserProperties({
  value,
  onChange,
}: {
  readonly value: readonly (readonly [string, string])[];
  readonly onChange: (value: [string, string][]) => void;
}) {
  const change = (index: number, part: 0 | 1, text: string) => {
    const rows = value.map(([name, of]): [string, string] => [name, of]);
    const row = rows[index];
    if (row !== undefined) row[part] = text;
    onChange(rows);
  };
  return (
    <fieldset class="user-properties">
      <legend>User properties</legend>
      {value.map(([name, of], index) => (
        // Rows have no identity but their place.
        <div class="row" key={index}>
          <input
            aria-label={`name of property ${index + 1}`}
            placeholder="name"
            value={name}
            onInput={(event) => change(index, 0, event.currentTarget.value)}
          />
          <input
            aria-label={`value of property ${index + 1}`}
            placeholder="value"
            value={of}
            onInput={(event) => change(index, 1, event.currentTarget.value)}
          />
          <button
            type="button"
            class="quiet"
            aria-label={`remove property ${index + 1}`}
            onClick={() => onChange(value.filter((_, at) => at !== index).map(([a, b]) => [a, b]))}
          >
            ✕
          </button>
        </div>
      ))}
      <button
        type="button"
        class="quiet"
        onClick={() => onChange([...value.map(([a, b]): [string, string] => [a, b]), ['', '']])}
      >
        + property
      </button>
    </fieldset>
  );
}
