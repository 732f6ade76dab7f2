import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { usageOf } from '../../bench/harness/process-usage.ts'
import type { HistoryEvent } from '../history/events.ts'
import { Ledger } from '../history/ledger.ts'
import { jsonOf, newId } from '../history/record.ts'
import { historyFile, readHistory } from '../history/read-history.ts'
import { deleteRecords, deleteTopics, endOffsets, makeTopics } from '../witness/witness.ts'
import { call } from '../workers/http.ts'
import { type Kind, kinds } from '../workers/kinds.ts'
import type { Scenario, Scene } from './scenario.ts'
import { within } from './targets.ts'

/** Ways to read that keep their position themselves, and one that leaves it to a group. */
const readers = ['reader', 'sse', 'ndjsonReader', 'poller', 'member'] as const satisfies readonly Kind[]
/** How busy a gateway may be with a topic in which nothing happens, of one processor. */
const IDLE_SHARE = 0.5

/** A topic of a scenario's own, beside those of the load. */
async function ownTopic({ bootstrap, run }: Scene, name: string): Promise<string> {
  const topic = `${run}-${name}`
  await makeTopics(bootstrap, [topic], 3)
  return topic
}

/** Writes so many records, and says which. @throws where one is not written */
async function fill({ balancer }: Scene, topic: string, count: number, name: string): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => newId(name, n))
  const url = `${balancer.url}/v1/topics/${topic}/records`
  // Where the topic was just made again, a gateway may still know the old one.
  for (let tries = 0; ; tries++) {
    const answer = await call(url, { method: 'POST', body: { records: ids.map(jsonOf) }, isElsewhere: true })
    if (answer?.status === 200) return ids
    if (tries === 50) throw new Error(`${topic} can't be filled: ${JSON.stringify(answer)}`)
    await sleep(200)
  }
}

/** Has a client of each kind read a topic, and says what each has seen so far. */
function watch({ balancer, run, folder: whole, random }: Scene, topic: string) {
  const over = new AbortController()
  const folder = join(whole, `readers-of-${topic}`)
  mkdirSync(folder, { recursive: true })
  const ledger = new Ledger(historyFile(folder, `watch-${topic}`))
  const running = readers.map((kind) => {
    const context = {
      url: balancer.url,
      topics: [topic],
      name: `${kind}of${topic.slice(-1)}`,
      run: `${run}w`,
    }
    return kinds[kind]({ ...context, paceMs: 0, random, over: over.signal, ledger })
  })
  return {
    async seen(kind: Kind): Promise<HistoryEvent[]> {
      const all = await readHistory(folder)
      return all.filter(({ client }) => client === `${kind}of${topic.slice(-1)}`)
    },
    async stop() {
      over.abort()
      await Promise.all(running)
      ledger.close()
    },
  }
}

const idsOf = (events: readonly HistoryEvent[]) =>
  new Set(events.flatMap((event) => (event.f === 'poll' ? event.records.map(([, id]) => id) : [])))

const recreated: Scenario = {
  name: 'topic-recreated',
  title:
    'a topic is deleted under its readers and made again: each is told, has what is written then, and nothing runs hot',
  async play(scene) {
    const { bootstrap, gateways } = scene
    const topic = await ownTopic(scene, 'd')
    const old = await fill(scene, topic, 20, 'old')
    const watching = watch(scene, topic)
    const had = async (ids: readonly string[], kind: Kind) => {
      const seen = idsOf(await watching.seen(kind))
      return ids.every((id) => seen.has(id))
    }
    for (const kind of readers) {
      if (!(await within(scene, 20_000, () => had(old, kind))))
        scene.broken(`${kind} never had the old topic`)
    }
    let fresh: string[] = []
    await scene.fault(`topic ${topic}: deleted, and made again 3 s later`, async () => {
      await deleteTopics(bootstrap, [topic])
      await scene.pause(3_000)
      await makeTopics(bootstrap, [topic], 3)
      fresh = await fill(scene, topic, 20, 'fresh')
    })
    for (const kind of readers) {
      if (!(await within(scene, 30_000, () => had(fresh, kind))))
        scene.broken(`${kind} has not had all of the new topic after 30 s`)
      const events = await watching.seen(kind)
      const isTold = events.some(
        (event) => event.f === 'told' || event.f === 'revoked' || event.f === 'closed',
      )
      if (!isTold) scene.broken(`${kind} was not told that its topic was gone`)
    }
    await watching.stop()
    const cpu = () => gateways.map(({ pid }) => usageOf(pid!)?.cpuMs ?? 0)
    const before = cpu()
    await scene.pause(3_000)
    cpu().forEach((ms, i) => {
      const share = (ms - before[i]!) / 3_000
      if (share > IDLE_SHARE)
        scene.broken(`${gateways[i]!.name} takes ${Math.round(share * 100)} % for nothing`)
    })
  },
  load: { single: [1, 200], reader: [1, 0] },
}

const removed: Scenario = {
  name: 'records-removed',
  title:
    'records are removed past a position: who goes on from there is told so and where to, and nothing is skipped silently',
  load: { single: [1, 200], reader: [1, 0] },
  async play(scene) {
    const { bootstrap, balancer } = scene
    const topic = await ownTopic(scene, 'e')
    await fill(scene, topic, 60, 'before')
    const path = `${balancer.url}/v1/topics/${topic}/records`
    const page = await call<{ cursor: string }>(`${path}?from=earliest&limit=5`)
    const { cursor } = page!.json
    await scene.fault(`topic ${topic}: all records removed`, async () => {
      await deleteRecords(bootstrap, topic, await endOffsets(bootstrap, topic))
    })
    await fill(scene, topic, 5, 'after')
    for (const [how, query, accept] of [
      ['a page', `cursor=${cursor}`, 'application/json'],
      ['NDJSON', `cursor=${cursor}`, 'application/x-ndjson'],
      ['server-sent events', `cursor=${cursor}`, 'text/event-stream'],
    ] as const) {
      const answer = await call<{ code?: string; bounds?: object }>(`${path}?${query}`, {
        headers: { accept },
      })
      if (answer?.status !== 409 || answer.json.code !== 'position_lost' || answer.json.bounds === undefined)
        scene.broken(`${how} from a removed position is answered ${JSON.stringify(answer)}`)
    }
  },
}

const oversize: Scenario = {
  name: 'oversize',
  title:
    'records around the topic’s limit: what is too large is refused as such, and its neighbours are written',
  load: { single: [1, 200], reader: [1, 0] },
  async play(scene) {
    const { bootstrap, balancer, run } = scene
    const topic = `${run}-f`
    await makeTopics(bootstrap, [topic], 1, { 'max.message.bytes': '20000' })
    const url = `${balancer.url}/v1/topics/${topic}/records`
    type Json = { results: { offset?: number; error?: { code: string; outcome: string } }[] }
    await scene.fault(`topic ${topic}: records of 19,000 to 21,000 bytes between small ones`, async () => {
      let written = 0
      for (const size of [19_000, 19_900, 20_001, 21_000]) {
        const records = [{ value: 'before' }, { value: '.'.repeat(size) }, { value: 'behind' }]
        const answer = await call<Json>(url, { method: 'POST', body: { records } })
        const [before, large, behind] = answer?.json.results ?? []
        if (before?.offset === undefined || behind?.offset === undefined)
          scene.broken(`the neighbours of ${size} bytes are answered ${JSON.stringify(answer)}`)
        const isRefused = large?.error?.code === 'record_too_large' && large.error.outcome === 'not_written'
        if (size > 20_000 ? !isRefused : large?.offset === undefined)
          scene.broken(`${size} bytes are answered ${JSON.stringify(large)}`)
        written += size > 20_000 ? 2 : 3
      }
      const [end] = await endOffsets(bootstrap, topic)
      if (end !== written) scene.broken(`${end} records are in the log, ${written} were said to be`)
    })
  },
}

const producersExpire: Scenario = {
  name: 'producers-expire',
  title: 'brokers forget producers that were idle for 5 s: what comes then is written all the same, once',
  load: { single: [3, 9_000], batch: [2, 9_000], websocket: [1, 9_000], reader: [1, 0] },
  stage: {
    configs: {
      'producer.id.expiration.ms': '5000',
      'producer.id.expiration.check.interval.ms': '1000',
      'transactional.id.expiration.ms': '60000',
    },
  },
  play: ({ pause }) => pause(45_000),
}

export const topicScenarios: readonly Scenario[] = [recreated, removed, oversize, producersExpire]
