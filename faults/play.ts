import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { check, type Verdict } from './checker/check.ts'
import { Log, type LogRecord } from './checker/log.ts'
import { now } from './history/events.ts'
import { historyFile, readHistory } from './history/read-history.ts'
import { seededRandom } from './random.ts'
import { judgeSeries, type ResourceRow } from './resources/judge-series.ts'
import { leftOpen, ResourceWatch } from './resources/watch.ts'
import { standard } from './scenarios/loads.ts'
import type { Scenario, Scene } from './scenarios/scenario.ts'
import { type Holder, urlAs } from './stage/access.ts'
import type { Stage } from './stage/stage.ts'
import { readThroughGateway } from './witness/gateway-read.ts'
import { committedOffsets, isWhole, makeTopics, readLog } from './witness/witness.ts'
import { Crew } from './workers/crew.ts'

const PARTITIONS = 3
const TOPICS = ['a', 'b', 'c']
/** Records that are written before anything is broken. */
const BEFORE = 50
/** After each fault, before the next thing is broken, ms. */
const REST_MS = 2_000
const STARTING_MS = 60_000
const WHOLE_MS = 90_000
/** How long readers may need for the rest, once nobody writes any more, ms. */
const UNSEEN_MS = 60_000
const COMMIT_MS = 15_000

/** What a run of one scenario found. */
export interface Result {
  readonly scenario: string
  readonly seed: number
  readonly faults: number
  readonly seconds: number
  readonly verdict: Verdict
  readonly resources: readonly ResourceRow[]
  /** A sentence for each broken promise, whoever found it. */
  readonly broken: readonly string[]
  /** Where history and logs are kept; undefined where nothing was broken. */
  readonly kept?: string
}

export interface PlayOptions {
  readonly seed: number
  readonly seconds: number
  /** Keeps the histories also where nothing is broken. */
  readonly isKept?: boolean
  readonly maxRssMb?: number
  say(text: string): void
}

let runs = 0

/** Plays a scenario on a stage, and judges it. */
export async function playOn(stage: Stage, scenario: Scenario, options: PlayOptions): Promise<Result> {
  const { seed, seconds, say, maxRssMb } = options
  const run = `r${seed}x${++runs}`
  const folder = join(stage.folder, `${scenario.name}-${run}`)
  mkdirSync(folder, { recursive: true })
  const { bootstrap, gateways, balancer } = stage
  const topics = TOPICS.map((name) => `${run}-${name}`)
  await makeTopics(bootstrap, topics, PARTITIONS, scenario.topicConfigs)
  const began = performance.now()
  const watch = new ResourceWatch(gateways, seconds)
  const front = await scenario.front?.(balancer.url, seededRandom(seed))
  const { holder, strangers = {} } = scenario
  const as = (who: Holder | undefined, plain: string) => (who === undefined ? plain : urlAs(who, plain))
  const plain = front?.url ?? balancer.url
  const urls = Object.fromEntries(Object.entries(strangers).map(([kind, who]) => [kind, as(who, plain)]))
  const crew = Crew.start(scenario.load ?? standard, folder, {
    ...{ url: as(holder, plain), urls, topics, run, seed },
  })
  const broken: string[] = []
  const nemesis = new Nemesis(stage, topics, historyFile(folder, 'nemesis'), say)
  try {
    await until(() => crew.written >= BEFORE, STARTING_MS, 'the clients did not begin to write')
    const scene: Scene = {
      ...{ ...stage, run, topics, crew, ms: seconds * 1_000 },
      random: seededRandom(seed),
      fault: (name, breaking, how) => nemesis.fault(name, breaking, how),
      say,
      broken: (sentence) => broken.push(sentence),
      pause: (ms) => pause(ms),
    }
    await scenario.play(scene)
    // What is had for the final read is not what clients make it have.
    const series = (await watch.stop()).map((each) => judgeSeries(each, maxRssMb))
    say(`${scenario.name}: the clients come to their end`)
    await crew.stop('writers')
    await nemesis.whole()
    say(`${scenario.name}: ${crew.written} records were written; reading them back`)
    const direct = await readLog(bootstrap, topics)
    await isRead(crew, new Log(direct))
    const committed = await committedBy(crew, run, bootstrap, topics, direct)
    await crew.stop('readers')
    const throughGateway = await readThroughGateway(as(holder, balancer.url), topics)
    broken.push(...crew.ended, ...(await leftOpen(gateways)))
    broken.push(...series.flatMap((each) => each.broken), ...gateways.flatMap(({ ended }) => ended.splice(0)))
    const { deadlines } = scenario
    const forbidden = Object.fromEntries(Object.keys(strangers).map((kind) => [kind, topics]))
    const history = await readHistory(folder)
    const verdict = check({
      history,
      direct,
      throughGateway,
      committed,
      forbidden,
      ...(deadlines && { deadlines }),
    })
    broken.push(...judged(scenario, verdict))
    const result: Result = {
      ...{ scenario: scenario.name, seed, verdict, broken, faults: nemesis.count },
      seconds: Math.round((performance.now() - began) / 1_000),
      resources: series.map(({ row }) => row),
    }
    if (broken.length > 0 || options.isKept === true) return { ...result, kept: folder }
    rmSync(folder, { recursive: true })
    return result
  } catch (error) {
    // What can't be played to its end is broken too; others go on.
    const why = `${scenario.name}: ${error instanceof Error ? error.message : String(error)}`
    const verdict: Verdict = { routes: [], consumers: [], counts: {}, broken: [] }
    return {
      ...{ scenario: scenario.name, seed, verdict, broken: [...broken, why], faults: nemesis.count },
      ...{ seconds: Math.round((performance.now() - began) / 1_000), resources: [], kept: folder },
    }
  } finally {
    await watch.stop()
    await crew.kill()
    await front?.close()
    for (const proxy of stage.proxies) proxy.forget()
  }
}

/** What is broken by what the checker found, and by what it was to find and did not. */
function judged({ expected = [], ignored = [], judge }: Scenario, verdict: Verdict): string[] {
  const { broken, counts } = verdict
  const excused = new Set<string>([...expected, ...ignored])
  const missed = expected.filter((kind) => counts[kind] === undefined)
  return [
    ...broken.filter((sentence) => !excused.has(sentence.split(/[ :]/, 2)[1]!)),
    ...missed.map((kind) => `the checker does not find what is ${kind}`),
    ...(judge?.(verdict) ?? []),
  ]
}

class Nemesis {
  readonly #stage: Stage
  readonly #topics: readonly string[]
  readonly #file: string
  readonly #say: (text: string) => void
  count = 0

  constructor(stage: Stage, topics: readonly string[], file: string, say: (text: string) => void) {
    this.#stage = stage
    this.#topics = topics
    this.#file = file
    this.#say = say
  }

  async fault(name: string, breaking: () => Promise<unknown>, how: { isGateway?: true } = {}): Promise<void> {
    this.#say(name)
    const began = now()
    await breaking()
    await this.whole()
    const event = { at: now(), client: 'nemesis', type: 'info', f: 'fault', name, began, ...how }
    appendFileSync(this.#file, `${JSON.stringify(event)}\n`)
    this.count++
    await pause(REST_MS)
  }

  /** Waits until every replica is in sync and every gateway ready. @throws Error where that takes too long */
  async whole(): Promise<void> {
    const { bootstrap, gateways } = this.#stage
    const isAll = async () =>
      (await isWhole(bootstrap, this.#topics)) &&
      (await Promise.all(gateways.map((gateway) => gateway.isReady()))).every(Boolean)
    await until(isAll, WHOLE_MS, 'all is not well again')
  }
}

async function until(isSo: () => boolean | Promise<boolean>, ms: number, otherwise: string): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${otherwise} within ${ms / 1_000} s`)
    await pause(200)
  }
}

/** Waits until every reader has come to the end of every partition of its topics, or gives up: the checker says so then. */
async function isRead(crew: Crew, log: Log): Promise<void> {
  const isDone = () => {
    const { positions } = crew
    const streams = new Set([...positions.keys()].map((key) => key.slice(0, key.lastIndexOf('/'))))
    return [...log.partitions].every(([partition, records]) => {
      const { topic, offset } = records.at(-1)!
      return [...streams].every((stream) => {
        const [owner, own] = stream.split(' ')
        return own !== topic || (positions.get(`${owner} ${partition}`) ?? 0) > offset
      })
    })
  }
  await until(isDone, UNSEEN_MS, '').catch(() => {})
}

/** Waits until each group has committed the end of every partition, or gives up; what they have committed then. */
async function committedBy(
  crew: Crew,
  run: string,
  bootstrap: string,
  topics: readonly string[],
  direct: readonly LogRecord[],
): Promise<Map<string, ReadonlyMap<string, number>>> {
  const owners = new Set([...crew.positions.keys()].map((key) => key.split(' ', 1)[0]!))
  const committed = new Map<string, ReadonlyMap<string, number>>()
  const log = new Log(direct)
  for (const group of owners) {
    if (!group.startsWith(`${run}-`)) continue
    const isAll = async () => {
      const own = await committedOffsets(bootstrap, group, topics)
      committed.set(group, own)
      return [...log.partitions].every(
        ([name, records]) => log.rank(name, own.get(name) ?? 0) === records.length,
      )
    }
    await until(isAll, COMMIT_MS, '').catch(() => {})
  }
  return committed
}
