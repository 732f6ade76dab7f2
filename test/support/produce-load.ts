import { Agent, request } from 'node:http'
import type { WitnessedRecord } from './read-all.ts'

/** What a client was told of one record, or not. */
export interface Told {
  readonly value: string
  readonly client: string
  readonly outcome: 'written' | 'not_written' | 'unknown'
  readonly code?: string
  readonly partition?: number
  readonly offset?: number | null
  /** By performance.now(). */
  readonly sentAt: number
  readonly answeredAt: number
}

export interface LoadOptions {
  readonly topic: string
  readonly clients: number
  /** Records in each request; 1 sends single records. */
  readonly batch?: (client: number) => number
  /** Where each record goes; by no key where not given. */
  readonly partition?: (client: number, n: number) => number
  /** Goes on where no answer came: another gateway may answer the next request. */
  readonly persistent?: boolean
  /** Sets apart the values and clients of several loads on one topic. */
  readonly name?: string
}

interface Answer {
  readonly partition?: number
  readonly offset?: number | null
  readonly error?: { code: string; outcome: 'not_written' | 'unknown' }
}

/** HTTP clients that post unique values, each the next when the last is answered, and remember what they were told. */
export class Load {
  readonly told: Told[] = []
  readonly #url: URL
  readonly #options: LoadOptions
  readonly #agent = new Agent({ keepAlive: true, noDelay: true } as ConstructorParameters<typeof Agent>[0])
  readonly #running: Promise<void>[]
  #stopped = false

  constructor(gateway: { url: string }, options: LoadOptions) {
    this.#url = new URL(`/v1/topics/${options.topic}/records`, gateway.url)
    this.#options = options
    this.#running = Array.from({ length: options.clients }, (_, client) => this.#run(client))
  }

  /** Lets every client have its last answer. */
  async stop(): Promise<readonly Told[]> {
    this.#stopped = true
    await Promise.all(this.#running)
    this.#agent.destroy()
    return this.told
  }

  /** How many records were written whose answers came in this time, by performance.now(). */
  written(from = -Infinity, to = Infinity, which: (told: Told) => boolean = () => true): number {
    return this.told.filter((t) => {
      return t.outcome === 'written' && t.answeredAt >= from && t.answeredAt < to && which(t)
    }).length
  }

  async #run(client: number): Promise<void> {
    const { batch = () => 1, partition, name = '' } = this.#options
    for (let n = 0; !this.#stopped;) {
      const records = Array.from({ length: batch(client) }, () => {
        const to = partition && { partition: partition(client, n) }
        return { value: `${name}${client}-${n++}`, ...to }
      })
      const sentAt = performance.now()
      const answers = await this.#post(records).catch(() => {
        // A gateway that does not answer at all is gone for good: tests count what follows from it.
        if (!this.#options.persistent) this.#stopped = true
        return []
      })
      const answeredAt = performance.now()
      records.forEach(({ value }, i) => {
        const { error, ...position } = answers[i] ?? { error: { code: 'none', outcome: 'unknown' as const } }
        const outcome = error?.outcome ?? ('offset' in position ? 'written' : 'unknown')
        this.told.push({
          value,
          client: `${name}${client}`,
          outcome,
          ...(error && { code: error.code }),
          ...position,
          sentAt,
          answeredAt,
        })
      })
    }
  }

  async #post(records: readonly object[]): Promise<readonly Answer[]> {
    const body = JSON.stringify(records.length === 1 ? records[0] : { records })
    const { status, text } = await this.#exchange(body)
    const json = JSON.parse(text) as Answer & { results?: Answer[]; code?: string; outcome?: 'unknown' }
    if (json.results !== undefined) return json.results
    if (status === 200) return [json]
    return records.map(() => ({
      error: { code: json.code ?? String(status), outcome: json.outcome ?? 'unknown' },
    }))
  }

  #exchange(body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode!, text }))
        response.on('error', reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
}

/**
 * What the clients were told and what is in the log, held against each other; each sentence is a broken promise. Every
 * `written` is there once, where it was said to be; no `not_written` is; an `unknown` at most once; nothing else is there;
 * what one client was told was written keeps its order; every answer came by the deadline and a second.
 */
export function brokenPromises(
  told: readonly Told[],
  log: readonly WitnessedRecord[],
  { deadlineMs }: { deadlineMs: number },
): string[] {
  const broken: string[] = []
  const places = new Map<string, string[]>()
  for (const { value, partition, offset } of log) {
    const name = String(value)
    places.set(name, [...(places.get(name) ?? []), `${partition}:${offset}`])
  }
  const last = new Map<string, number>()
  for (const { value, client, outcome, partition, offset, sentAt, answeredAt } of told) {
    const found = places.get(value) ?? []
    places.delete(value)
    const where = `${value} was told ${outcome} and is at [${found.join()}]`
    if (outcome === 'written' && found.length !== 1) broken.push(where)
    if (outcome === 'not_written' && found.length !== 0) broken.push(where)
    if (found.length > 1) broken.push(where)
    if (outcome === 'written' && offset !== null && found[0] !== `${partition}:${offset}`) {
      broken.push(`${where}, said to be at ${partition}:${offset}`)
    }
    const took = answeredAt - sentAt
    if (took > deadlineMs + 1_000) broken.push(`${value} was answered after ${Math.round(took)} ms`)
    if (outcome !== 'written' || offset === null || offset === undefined) continue
    const key = `${client}/${partition}`
    if (offset <= (last.get(key) ?? -1)) broken.push(`${value} is before an earlier record of its client`)
    last.set(key, offset)
  }
  for (const [value, found] of places) broken.push(`${value} is at [${found.join()}] and nobody sent it`)
  return [...new Set(broken)]
}
