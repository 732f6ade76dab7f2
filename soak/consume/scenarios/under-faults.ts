import { type brokerFaults, schedule } from '../../faults.ts'
import type { ConsumeOptions } from '../../options.ts'
import { seededRandom } from '../../random.ts'
import { disturb, say, type Stage, whole } from '../../stage.ts'
import { makeTopics } from '../../witness.ts'
import { type Consumer, Recorder } from '../clients/context.ts'
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
const MEMBERS = 4
const PER_SECOND = 2_000
/** Who keeps its position itself, each with how many there are. */
const alone: readonly { readonly name: string; readonly client: Consumer; readonly count: number }[] = [
  { name: 'readers over WebSocket, by cursor', client: reader, count: 2 },
  { name: 'readers of server-sent events', client: sse, count: 2 },
  { name: 'long polls by cursor', client: poller, count: 1 },
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
    const context = { urls, topic, over: over.signal }
    const group = new Recorder()
    const members = Array.from({ length: MEMBERS }, (_, n) =>
      member({ ...context, group: scenario, name: `m${n}`, leaves: 'in order', record: group }),
    )
    const others = alone.map(({ client, count }) =>
      Array.from({ length: count }, (_, n) => {
        const record = new Recorder()
        return { record, running: client({ ...context, name: `${client.name}${n}`, record }) }
      }),
    )
    const producer = produceSteadily(urls, topic, { perSecond: PER_SECOND })
    const faults = schedule({ ...stage, random: seededRandom(seed) }, kinds)
    const disturbances = await disturb(seconds, faults, { bootstrap, topics: [topic] })
    await producer.stop()
    await whole(bootstrap, [topic])
    say(`${scenario}: ${disturbances.length} faults; reading to the end`)
    const histories = others.flat().map(({ record }) => record.history)
    await untilRead(bootstrap, topic, [group.history, ...histories])
    const committed = await untilCommitted(bootstrap, topic, scenario)
    over.abort()
    await Promise.all([...members, ...others.flat().map(({ running }) => running)])
    const log = await readNumbers(bootstrap, topic)
    const ends = disturbances.map(({ ended }) => ended)
    const ofGroup = judgeGroup(group.history, log, committed)
    const rows = [rowOf(scenario, `${MEMBERS} members`, figuresOf([group.history], log, ends), [ofGroup])]
    const broken = [...ofGroup.broken]
    const notes = [`${scenario}: ${disturbances.length} faults`, ...told(`${scenario}, members`, [group])]
    others.forEach((consumers, kind) => {
      const own = consumers.map(({ record }) => record.history)
      const verdicts = own.map((history) => judgeReader(history, log))
      const { count, name } = alone[kind]!
      rows.push(rowOf(scenario, `${count} ${name}`, figuresOf(own, log, ends), verdicts))
      broken.push(...verdicts.flatMap((verdict) => verdict.broken))
      notes.push(
        ...told(
          `${scenario}, ${name}`,
          consumers.map(({ record }) => record),
        ),
      )
    })
    return { rows, broken, notes }
  }
