import {
  Counter,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Registry,
} from 'prom-client';
import { type Catalogue, checkCatalogue, type MetricDefinition } from './definition.ts';

export type Labels = Readonly<Record<string, string | number>>;

/** One value of a metric that has labels. */
export interface Sample<V = number> {
  readonly labels: Labels;
  readonly value: V;
}

/** What a metric's values are read with at each scrape: a single one, or one for each set of labels. */
export type Reader<D extends MetricDefinition> = D extends { readonly type: 'histogram' }
  ? () => HistogramValue | Iterable<Sample<HistogramValue>>
  : () => number | Iterable<Sample>;

/** Buckets as `BucketHistogram` keeps them. */
export interface HistogramValue {
  readonly bounds: readonly number[];
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

type AnyRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;

export type ExpositionFormat = 'prometheus' | 'openmetrics';

/**
 * Metrics of a catalogue, read when they are asked for and at no other time: nothing is registered,
 * updated or allocated while the program counts. A metric that has no reader isn't shown.
 */
export class MetricsRegistry<C extends Catalogue> {
  readonly catalogue: C;
  // prom-client renames counters for OpenMetrics in place, so each format has metrics of its own.
  readonly #registries: Readonly<Record<ExpositionFormat, AnyRegistry>>;
  readonly #names: Set<string>;

  /** @throws {TypeError} when the catalogue has a name or label that Prometheus doesn't take */
  constructor(catalogue: C) {
    checkCatalogue(catalogue);
    this.catalogue = catalogue;
    const openMetrics = new Registry<OpenMetricsContentType>();
    openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    this.#registries = { prometheus: new Registry(), openmetrics: openMetrics };
    this.#names = new Set();
  }

  /**
   * Says how a metric is read.
   *
   * @param read - called at each scrape; what it throws fails the scrape
   * @throws {TypeError} when the catalogue has no such metric, or it is read already
   */
  add<N extends keyof C & string>(name: N, read: Reader<C[N]>): void {
    const definition = this.catalogue[name];
    if (definition === undefined) throw new TypeError(`${name} is not in the catalogue`);
    if (this.#names.has(name)) throw new TypeError(`${name} is read already`);
    this.#names.add(name);
    for (const registry of Object.values(this.#registries)) {
      addTo(registry, name, definition, read as Reader<MetricDefinition>);
    }
  }

  /** Whether a metric is read. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  contentType(format: ExpositionFormat): string {
    return this.#registries[format].contentType;
  }

  /** Reads all metrics and writes them in a format that Prometheus scrapes. */
  render(format: ExpositionFormat): Promise<string> {
    return this.#registries[format].metrics();
  }
}

function addTo(
  registry: AnyRegistry,
  name: string,
  definition: MetricDefinition,
  read: Reader<MetricDefinition>,
): void {
  const { type, help, labels = [] } = definition;
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  switch (type) {
    case 'counter':
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const { labels: of, value } of samples(read)) this.inc({ ...of }, value);
        },
      });
      break;
    case 'gauge':
      new Gauge({
        ...options,
        collect() {
          this.reset();
          for (const { labels: of, value } of samples(read)) this.set({ ...of }, value);
        },
      });
      break;
    case 'histogram':
      new ReadHistogram(options, read as Reader<MetricDefinition & { type: 'histogram' }>);
      break;
    default:
      throw new TypeError(`unknown type of metric: ${type satisfies never}`);
  }
}

function samples(read: Reader<MetricDefinition>): Iterable<Sample> {
  const values = (read as () => number | Iterable<Sample>)();
  return typeof values === 'number' ? [{ labels: {}, value: values }] : values;
}

type HistogramOptions = ConstructorParameters<typeof Histogram<string>>[0];
type HistogramReader = Reader<MetricDefinition & { type: 'histogram' }>;

/** A histogram of prom-client's whose buckets are kept elsewhere. */
class ReadHistogram extends Histogram<string> {
  readonly #options: HistogramOptions;
  readonly #read: HistogramReader;

  constructor(options: HistogramOptions, read: HistogramReader) {
    super(options);
    this.#options = options;
    this.#read = read;
  }

  /** What prom-client makes text and objects from. */
  async getForPromString() {
    const { name, help } = this.#options;
    const values = [];
    const read = this.#read();
    for (const { labels, value } of 'bounds' in read ? [{ labels: {}, value: read }] : read) {
      let count = 0;
      for (let index = 0; index < value.counts.length; index++) {
        count += value.counts[index] as number;
        const le = value.bounds[index] ?? '+Inf';
        values.push({ labels: { ...labels, le }, value: count, metricName: `${name}_bucket` });
      }
      values.push({ labels: { ...labels }, value: value.sum, metricName: `${name}_sum` });
      values.push({ labels: { ...labels }, value: count, metricName: `${name}_count` });
    }
    return { name, help, type: 'histogram', values, aggregator: 'sum' };
  }
}
