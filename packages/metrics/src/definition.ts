/** What a metric is, apart from its values. Names end in their unit, counters in `_total`. */
export type MetricDefinition =
  | {
      readonly type: 'counter' | 'gauge';
      readonly help: string;
      /** Names of its labels; a metric without any has one value. */
      readonly labels?: readonly string[];
    }
  | {
      readonly type: 'histogram';
      readonly help: string;
      readonly labels?: readonly string[];
    };

/** Metrics by name. */
export type Catalogue = Readonly<Record<string, MetricDefinition>>;

/** Metric and label names of Prometheus; a colon is for recording rules, `__` for Prometheus itself. */
const METRIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Checks a catalogue: names that Prometheus takes, `_total` at the end of counters and of nothing else,
 * no label that histograms need for themselves.
 *
 * @throws {TypeError} that names the metric and what is wrong with it
 */
export function checkCatalogue(catalogue: Catalogue): void {
  for (const [name, { type, help, labels = [] }] of Object.entries(catalogue)) {
    if (!METRIC_NAME.test(name)) throw new TypeError(`${name}: not a name of a metric`);
    if ((type === 'counter') !== name.endsWith('_total')) {
      throw new TypeError(`${name}: counters, and only they, end in _total`);
    }
    if (help.trim() === '') throw new TypeError(`${name}: no help text`);
    if (new Set(labels).size < labels.length) throw new TypeError(`${name}: a label twice`);
    for (const label of labels) {
      if (!LABEL_NAME.test(label) || (type === 'histogram' && label === 'le')) {
        throw new TypeError(`${name}: ${label} can't be the name of a label`);
      }
    }
  }
}
