import { once } from 'node:events'
import type { WebSocket } from 'ws'
import { watchUsage } from '../../bench/harness/process-usage.ts'
import { MOST_RSS_MB } from '../resources/judge-series.ts'
import { metricOf } from '../resources/sample.ts'
import { makeTopics } from '../witness/witness.ts'
import { type FrameJson, openSocket } from '../workers/clients/socket.ts'
import { call } from '../workers/http.ts'
import { pulse } from './pulse.ts'
import type { Scenario, Scene } from './scenario.ts'
import { within } from './targets.ts'

const SLOW = 50
/** So many come back at once. */
const BACK_AT_ONCE = 5
const STALL_MS = 15_000
/** Before each slow reader, in requests of so many records of so many bytes: more than the systems on the way hold for it. */
const BACKLOG = { requests: 12, records: 20, bytes: 50_000 }
const PARTITIONS = 3
/** How long the fast one is watched alone, and while the others take nothing, ms. */
const WATCHED_MS = 8_000
/** How much later than twice what it was alone its slowest record in a hundred may be, where others load the machine, ms. */
const NOISE_MS = 500

/** Reads a topic from its start: a little, then nothing for a while, then the rest on another connection. */
class SlowReader {
  readonly #topic: string
  readonly #next = new Map<number, number>()
  #cursor = ''
  #last: { readonly socket: WebSocket; readonly ended: Promise<number> } | undefined
  /** Sentences for records that are not those that come next. */
  readonly wrong: string[] = []
  had = 0

  constructor(topic: string) {
    this.#topic = topic
  }

  /** Takes the first records, and nothing more. */
  async stall(url: string): Promise<void> {
    const { socket } = this.#open(url, { from: 'earliest' })
    while (this.had === 0) await once(socket, 'message')
    socket.pause()
  }

  /** Takes what was on its way to it, and says how it was closed. */
  async wake(): Promise<number> {
    this.#last?.socket.resume()
    return (await this.#last?.ended) ?? 0
  }

  /** Goes on with its cursor until it has everything. */
  async comeBack(url: string): Promise<void> {
    const { socket, ended } = this.#open(url, { cursor: this.#cursor }, ({ type }, own) => {
      if (type === 'caughtUp') own.close(1000)
    })
    await ended
    socket.terminate()
  }

  #open(
    url: string,
    start: Record<string, string>,
    also: (frame: FrameJson, socket: WebSocket) => void = () => {},
  ) {
    this.#last = openSocket(url, { topics: this.#topic, ...start }, (frame, socket) => {
      if (frame.type === 'records') {
        for (const { partition, offset } of frame.records) {
          const next = this.#next.get(partition) ?? 0
          if (offset !== next) this.wrong.push(`a slow reader had ${partition}@${offset}, @${next} was next`)
          this.#next.set(partition, offset + 1)
          this.had++
        }
        this.#cursor = frame.cursor!
      }
      also(frame, socket)
    })
    return this.#last
  }
}

async function fill({ balancer, bootstrap, run }: Scene): Promise<string> {
  const topic = `${run}-large`
  await makeTopics(bootstrap, [topic], PARTITIONS)
  const records = Array.from({ length: BACKLOG.records }, () => ({ value: '.'.repeat(BACKLOG.bytes) }))
  for (let n = 0; n < BACKLOG.requests; n++) {
    const url = `${balancer.url}/v1/topics/${topic}/records`
    const answer = await call(url, { method: 'POST', body: { records } })
    if (answer?.ok !== true) throw new Error(`${topic} can't be filled: ${answer?.status}`)
  }
  return topic
}

/** How many sockets the gateways have closed as slow. */
async function closed({ gateways }: Scene): Promise<number> {
  const name = 'sluice_websockets_closed_total{code="4508"}'
  const counts = await Promise.all(gateways.map(({ metricsUrl }) => metricOf(metricsUrl, name)))
  return counts.reduce<number>((all, count = 0) => all + count, 0)
}

export const slowReaders: Scenario = {
  name: 'slow-readers',
  title: `${SLOW} sockets take nothing beside one that does: they are closed with 4508 and come back without a gap, it is not held up`,
  load: { single: [1, 200], reader: [1, 0], member: [1, 0] },
  stage: { gatewayEnv: { SLUICE_WS_STALL_MS: String(STALL_MS) } },
  async play(scene) {
    const { balancer, bootstrap, gateways, run } = scene
    const topic = await fill(scene)
    const fast = `${run}-fast`
    await makeTopics(bootstrap, [fast], 1)
    const alone = await pulse(scene, fast, () => scene.pause(WATCHED_MS))
    const memory = gateways.map(({ pid }) => watchUsage(pid))
    const readers = Array.from({ length: SLOW }, () => new SlowReader(topic))
    let beside = alone
    await scene.fault(`${SLOW} sockets take nothing`, async () => {
      await Promise.all(readers.map((reader, n) => reader.stall(gateways[n % gateways.length]!.url)))
      // Until the systems on the way hold what they can.
      await scene.pause(1_000)
      beside = await pulse(scene, fast, () => scene.pause(WATCHED_MS))
      const isDone = await within(scene, 2 * STALL_MS, async () => (await closed(scene)) >= SLOW)
      if (!isDone) scene.broken(`of ${SLOW} slow readers ${await closed(scene)} were closed with 4508`)
      const codes = await Promise.all(readers.map((reader) => reader.wake()))
      const others = codes.filter((code) => code !== 4508 && code !== 1006)
      if (others.length > 0) scene.broken(`slow readers were closed with ${others.join()}`)
      for (let n = 0; n < SLOW; n += BACK_AT_ONCE)
        await Promise.all(readers.slice(n, n + BACK_AT_ONCE).map((reader) => reader.comeBack(balancer.url)))
    })
    const all = BACKLOG.requests * BACKLOG.records
    for (const { had, wrong } of readers) {
      for (const sentence of wrong) scene.broken(sentence)
      if (had !== all) scene.broken(`a slow reader had ${had} of ${all} records`)
    }
    scene.say(
      `a record takes the fast one ${alone.p99} ms at the 99th percentile alone, ${beside.p99} beside them`,
    )
    if (beside.p99 > 2 * alone.p99 + NOISE_MS)
      scene.broken(`the fast one waited ${beside.p99} ms beside slow ones, ${alone.p99} ms without`)
    for (const lost of [alone.lost, beside.lost])
      if (lost > 0) scene.broken(`${lost} records never came to the fast one`)
    for (const each of memory) {
      const { rssMb = 0 } = each.stop() ?? {}
      if (rssMb > MOST_RSS_MB) scene.broken(`a gateway had ${Math.round(rssMb)} MB`)
    }
  },
}
