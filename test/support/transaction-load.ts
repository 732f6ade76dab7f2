import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { vi } from 'vitest'
import { ensureJars } from '../../dev/kafka/jars.ts'
import type { HttpClient } from './http.ts'
import { uniqueName } from './kafka.ts'
import { transact } from './transactions.ts'

/** What a client was told of one transaction. */
interface Told {
  readonly value: string
  readonly state: 'committed' | 'aborted' | 'unknown'
  readonly transaction: string | undefined
  readonly results: { topic: string; partition: number; offset: number | null }[]
  readonly tookMs: number
}

/** Clients that each write a value to every topic in one transaction, then the next, and remember what they were told. */
export class TransactionLoad {
  readonly told: Told[] = []
  readonly #client: HttpClient
  readonly #topics: readonly string[]
  readonly #running: Promise<void>[]
  #stopped = false

  constructor(client: HttpClient, options: { topics: readonly string[]; clients: number }) {
    this.#client = client
    this.#topics = options.topics
    this.#running = Array.from({ length: options.clients }, (_, i) => this.#run(i))
  }

  count(state: Told['state'], from = 0): number {
    return this.told.slice(from).filter((t) => t.state === state).length
  }

  async stop(): Promise<readonly Told[]> {
    this.#stopped = true
    await Promise.all(this.#running)
    return this.told
  }

  async #run(client: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const value = `${client}-${n}`
      const sentAt = performance.now()
      const { json } = await transact(this.#client, {
        records: this.#topics.map((topic) => ({ topic, key: value, value })),
      })
      const { state, transaction, results = [] } = json
      const tookMs = performance.now() - sentAt
      this.told.push({ value, state: state as Told['state'], transaction, results, tookMs })
    }
  }
}

/**
 * What clients were told and what read_committed readers see, held against each other; each sentence is a broken promise.
 * Every committed transaction is whole, once, where it was said to be; nothing is there of one that was aborted; one of
 * unknown outcome is what any gateway says of it afterwards.
 */
export async function brokenTransactions(
  told: readonly Told[],
  options: { client: HttpClient; topics: readonly string[]; bootstrap: string; deadlineMs: number },
): Promise<string[]> {
  const { client, topics, bootstrap, deadlineMs } = options
  const broken: string[] = []
  const settled = await Promise.all(
    told.map(async (one) => {
      if (one.state !== 'unknown') return one
      return { ...one, state: await finalState(client, one.transaction!) }
    }),
  )
  const places = await committedPlaces(client, topics, bootstrap)
  for (const topic of topics) {
    for (const { value, state, results } of settled) {
      const found = places.get(`${topic} ${value}`) ?? []
      if (found.length !== (state === 'committed' ? 1 : 0)) {
        broken.push(`${value} was told ${state} and is in ${topic} at [${found.join()}]`)
      }
      const said = results.find((result) => result.topic === topic)
      if (said?.offset != null && found[0] !== `${said.partition}:${said.offset}`) {
        broken.push(`${value} was said to be at ${said.partition}:${said.offset} and is at ${found[0]}`)
      }
    }
  }
  for (const { value, tookMs } of told) {
    if (tookMs > deadlineMs + 1_000) broken.push(`${value} was answered after ${Math.round(tookMs)} ms`)
  }
  return broken
}

function finalState(client: HttpClient, transaction: string): Promise<'committed' | 'aborted'> {
  return vi.waitUntil(
    async () => {
      const { json } = await client.get(`/v1/transactions/${transaction}`)
      const { state } = json as { state: 'committed' | 'aborted' | 'ongoing' }
      return state === 'committed' || state === 'aborted' ? state : false
    },
    { timeout: 30_000, interval: 100 },
  )
}

/**
 * Where each value is, `partition:offset`, by `topic value`: as Java's consumer sees it, since kafkajs shows records of
 * some aborted transactions where several are interleaved.
 */
async function committedPlaces(
  client: HttpClient,
  topics: readonly string[],
  bootstrap: string,
): Promise<Map<string, string[]>> {
  const last = uniqueName('END')
  for (const topic of topics) {
    const records = [0, 1, 2].map((partition) => ({ partition, value: last }))
    const { status, text } = await client.post(`/v1/topics/${topic}/records`, { records })
    if (status !== 200) throw new Error(text)
  }
  const source = join(import.meta.dirname, 'ReadCommitted.java')
  const classPath = join(await ensureJars(), '*')
  const { stdout } = await promisify(execFile)(
    'java',
    ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', classPath, source, bootstrap, last, ...topics],
    { timeout: 60_000, maxBuffer: 1e8 },
  )
  const places = new Map<string, string[]>()
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [topic, partition, offset, value] = line.split(' ')
    const name = `${topic} ${value}`
    places.set(name, [...(places.get(name) ?? []), `${partition}:${offset}`])
  }
  return places
}
