import { type brokerFaults, schedule } from '../../faults.ts'
import type { ConsumeOptions } from '../../options.ts'
import { seededRandom } from '../../random.ts'
import { disturb, say, type Stage, whole } from '../../stage.ts'
import { makeTopics } from '../../witness.ts'
import { type Consumer, type ConsumerContext, Recorder } from '../clients/context.ts'
import { member } from '../clients/member.ts'
import { poller } from '../clients/poller.ts'
import { reader } from '../clients/reader.ts'
import { sse } from '../clients/sse.ts'
import { figuresOf } from '../figures.ts'
import { readNumbers, untilCommitted, untilRead } from '../log.ts'
import { produceSteadily } from '../steady-producer.ts'
import { judgeGroup, judgeReader } from '../verdict.ts'
import { type Result, rowOf, told } from './result.ts'

const PARTITIONS = 6
const PER_SECOND = 2_000

/** Consumers of one kind, whose histories are judged alike. */
interface Party {
  readonly name: string
  /** Where they are one group's members, its id; their history is one then. */
  readonly group?: string
  readonly records: readonly Recorder[]
  readonly running: readonly Promise<void>[]
}

type Given = Pick<ConsumerContext, 'urls' | 'topic' | 'over'>

const groupOf =
  (group: string, name: string, count: number, grace?: number) =>
  (given: Given): Party => {
    const record = new Recorder()
    const own = { ...given, group: `${given.topic}-${group}`, leaves: 'in order' as const, record, grace }
    const running = Array.from({ length: count }, (_, n) => member({ ...own, name: `${group}${n}` }))
    return { name, group: own.group, records: [record], running }
  }

const alone =
  (client: Consumer, name: string, count: number) =>
  (given: Given): Party => {
    const records = Array.from({ length: count }, () => new Recorder())
    const running = records.map((record, n) => client({ ...given, name: `${client.name}${n}`, record }))
    return { name, records, running }
  }

const parties: readonly ((given: Given) => Party)[] = [
  groupOf('members', '4 members of a group', 4),
  groupOf('returners', '4 members that come back to their places', 4, 10_000),
  alone(reader, '2 readers over WebSocket, by cursor', 2),
  alone(sse, '2 readers of server-sent events', 2),
  alone(poller, '1 long poll by cursor', 1),
]

/** Consumers of every kind read on while brokers or gateways fail, one after the other. */
export const underFaults =
  (scenario: string, kinds: typeof brokerFaults) =>
  async (stage: Stage, { seconds, seed }: ConsumeOptions): Promise<Result> => {
    const { bootstrap, gateways } = stage
    const topic = `consume-${scenario}`
    await makeTopics(bootstrap, [topic], PARTITIONS)
    const urls = gateways.map(({ url }) => url)
    const over = new AbortController()
    const playing = parties.map((begin) => begin({ urls, topic, over: over.signal }))
    const producer = produceSteadily(urls, topic, { perSecond: PER_SECOND })
    const faults = schedule({ ...stage, random: seededRandom(seed) }, kinds)
    const disturbances = await disturb(seconds, faults, { bootstrap, topics: [topic] })
    await producer.stop()
    await whole(bootstrap, [topic])
    say(`${scenario}: ${disturbances.length} faults; reading to the end`)
    const histories = (records: readonly Recorder[]) => records.map(({ history }) => history)
    await untilRead(
      bootstrap,
      topic,
      playing.flatMap(({ records }) => histories(records)),
    )
    const committed = new Map<string, number[]>()
    for (const { group } of playing)
      if (group !== undefined) committed.set(group, await untilCommitted(bootstrap, topic, group))
    over.abort()
    await Promise.all(playing.flatMap(({ running }) => running))
    const log = await readNumbers(bootstrap, topic)
    const ends = disturbances.map(({ ended }) => ended)
    const judged = playing.map(({ name, group, records }) => {
      const own = histories(records)
      const verdicts = own.map((history) =>
        group === undefined ? judgeReader(history, log) : judgeGroup(history, log, committed.get(group)),
      )
      return { row: rowOf(scenario, name, figuresOf(own, log, ends), verdicts), verdicts }
    })
    return {
      rows: judged.map(({ row }) => row),
      broken: judged.flatMap(({ verdicts }) => verdicts.flatMap(({ broken }) => broken)),
      notes: [
        `${scenario}: ${disturbances.length} faults`,
        ...playing.flatMap(({ name, records }) => told(`${scenario}, ${name}`, records)),
      ],
    }
  }
