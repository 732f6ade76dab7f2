import promClient, { type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client'
import { type MetricName, type MetricRow, metrics } from './catalog.ts'
import type { Readings, Sample } from './readings.ts'

/** Before the names of what prom-client itself measures of the process. */
const PREFIX = 'sluice_'

/** What prom-client asks of a metric. */
type Metric = Parameters<Registry['registerMetric']>[0]

/**
 * A registry of everything there is to measure. What happens is counted in plain numbers where it happens; nothing is
 * turned into metrics before somebody asks.
 */
export function createRegistry(readings: Readings): Registry {
  const registry = new promClient.Registry()
  for (const [name, row] of Object.entries<MetricRow>(metrics)) {
    registry.registerMetric(new Reading(name, row, readings[name as MetricName]) as unknown as Metric)
  }
  promClient.collectDefaultMetrics({ register: registry, prefix: PREFIX })
  return registry
}

/** One metric of ours, as prom-client reads it. */
class Reading {
  readonly name: string
  readonly help: string
  readonly type: MetricRow['type']
  readonly labelNames: readonly string[]
  readonly #read: Readings[MetricName]

  constructor(name: string, { type, help, labels }: MetricRow, read: Readings[MetricName]) {
    this.name = name
    this.help = help
    this.type = type
    this.labelNames = labels
    this.#read = read
  }

  async get(): Promise<Pick<MetricObjectWithValues<MetricValue<string>>, 'name' | 'help' | 'values'>> {
    const samples = [...(await this.#read())]
    return { ...this.#about(), values: samples.flatMap((sample) => this.#values(sample)) }
  }

  #about() {
    return { name: this.name, help: this.help, type: this.type, aggregator: 'sum' as const }
  }

  #values([labelValues, value]: Sample): (MetricValue<string> & { metricName?: string })[] {
    const labels = Object.fromEntries(this.labelNames.map((name, i) => [name, labelValues[i]!]))
    if (typeof value === 'number') return [{ labels, value }]
    const buckets = [...value.cumulative()].map(([bound, count]) => {
      const le = bound === Infinity ? '+Inf' : bound
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: value.sum },
      { metricName: `${this.name}_count`, labels, value: value.count },
    ]
  }
}
