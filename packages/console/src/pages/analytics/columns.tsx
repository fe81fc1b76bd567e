export interface ColumnOf {
  readonly label: string;
  readonly value: number;
}

const HEIGHT = 120;
const GAP = 0.2;

/** Values side by side, such as of minutes or sizes. */
export function Columns(props: {
  readonly columns: readonly ColumnOf[];
  readonly label: string;
  readonly unit: (value: number) => string;
  /** Instead of columns, where all are 0. */
  readonly empty: string;
}) {
  const { columns, label, unit, empty } = props;
  const max = columns.reduce((most, { value }) => Math.max(most, value), 0);
  if (max === 0) return <p class="empty">{empty}</p>;
  const labelEvery = Math.ceil(columns.length / 8);
  return (
    <figure class="columns-figure">
      <svg
        viewBox={`0 0 ${columns.length} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${columns.map((each) => `${each.label} ${unit(each.value)}`).join(', ')}`}
      >
        {columns.map(({ label: name, value }, index) => {
          const height = (value / max) * HEIGHT;
          return (
            <rect
              key={name}
              x={index + GAP / 2}
              y={HEIGHT - height}
              width={1 - GAP}
              height={height}
            >
              <title>{`${name}: ${unit(value)}`}</title>
            </rect>
          );
        })}
      </svg>
      <div class="columns-labels" aria-hidden="true">
        {columns.map(({ label: name }, index) => (
          <span key={name}>{index % labelEvery === 0 ? name : ''}</span>
        ))}
      </div>
      <figcaption class="muted">at most {unit(max)}</figcaption>
    </figure>
  );
}
