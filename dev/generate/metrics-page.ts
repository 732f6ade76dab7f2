import { type MetricRow, metrics } from '../../src/metrics/catalog.ts'
import { createRegistry } from '../../src/metrics/registry.ts'
import type { Readings } from '../../src/metrics/readings.ts'

/** What prom-client measures on Linux alone: the page is the same wherever it is made. */
const linuxOnly = /_process_(open_fds|max_fds|virtual_memory_bytes|heap_bytes)$/

/** docs/metrics.md: every metric, in the order of the table. */
export function metricsPage(): string {
  const row = (name: string, { type, labels, help }: MetricRow) =>
    `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`
  const own = Object.entries<MetricRow>(metrics).map(([name, metric]) => row(name, metric))
  return `<!-- Generated from src/metrics/catalog.ts by \`npm run generate\`. -->

# Metrics

Prometheus takes them from \`/metrics\` on a port of their own, \`SLUICE_METRICS_PORT\`; each of several workers has one, and
the ports follow each other. [operations.md](operations.md#metrics) says how to set that up, and has a dashboard and alerts.

No label holds a path, a client's id or a key. Topics and groups are told apart up to \`SLUICE_METRICS_TOPICS\` names each;
those that come later are \`other\`. Numbers are counted since the process began.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
${own.join('\n')}

## The process

As prom-client measures them. On Linux there are also \`sluice_process_open_fds\`, \`sluice_process_max_fds\`,
\`sluice_process_virtual_memory_bytes\` and \`sluice_process_heap_bytes\`.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
${processMetrics()
  .map((metric) => row(metric.name, metric))
  .join('\n')}
`
}

/** What prom-client adds to ours. */
function processMetrics(): (MetricRow & { name: string })[] {
  const all = createRegistry({} as Readings).getMetricsAsArray() as unknown as {
    name: string
    help: string
    type: MetricRow['type']
    labelNames: readonly string[]
  }[]
  return all
    .filter(({ name }) => !(name in metrics) && !linuxOnly.test(name))
    .map(({ name, help, type, labelNames }) => ({ name, type, labels: labelNames, help }))
}
