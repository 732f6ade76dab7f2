/** What Prometheus would take from a scrape, by name and labels as they are written there. */
export class Exposition {
  readonly samples = new Map<string, number>()
  /** By name of the metric. */
  readonly types = new Map<string, string>()

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line === '') continue
      const type = /^# TYPE (\S+) (\w+)$/.exec(line)
      if (type !== null) this.types.set(type[1]!, type[2]!)
      if (line.startsWith('#')) continue
      const sample = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (\S+)$/.exec(
        line,
      )
      if (sample === null) throw new Error(`no line of the Prometheus text format: ${line}`)
      if (this.samples.has(sample[1]!)) throw new Error(`twice: ${line}`)
      this.samples.set(sample[1]!, Number(sample[2]!.replace('Inf', 'Infinity')))
    }
  }

  /** The value of a series, 0 where there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return this.samples.get(pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`) ?? 0
  }

  /** The values that a label has. */
  valuesOf(label: string): Set<string> {
    const found = [...this.samples.keys()].map((key) => new RegExp(`[{,]${label}="([^"]*)"`).exec(key)?.[1])
    return new Set(found.filter((value) => value !== undefined))
  }
}

export async function scrape({
  metricsUrl,
}: {
  readonly metricsUrl: string | undefined
}): Promise<Exposition> {
  const response = await fetch(`${metricsUrl}/metrics`)
  if (response.status !== 200) throw new Error(`the metrics are answered with ${response.status}`)
  return new Exposition(await response.text())
}
