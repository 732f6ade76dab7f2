import { setTimeout as pause } from 'node:timers/promises'
import { between } from '../../faults.ts'
import type { ConsumeOptions } from '../../options.ts'
import { seededRandom } from '../../random.ts'
import { say, type Stage } from '../../stage.ts'
import { makeTopics } from '../../witness.ts'
import { Recorder } from '../clients/context.ts'
import { member } from '../clients/member.ts'
import { figuresOf } from '../figures.ts'
import { readNumbers, untilCommitted, untilRead } from '../log.ts'
import { produceSteadily } from '../steady-producer.ts'
import { judgeGroup } from '../verdict.ts'
import { type Result, rowOf, told } from './result.ts'

const TOPIC = 'consume-churn'
const PARTITIONS = 24
const PER_SECOND = 2_000
/** How long a member stays, and how long its place is empty then, ms. */
const STAYS = [2_000, 10_000] as const
const EMPTY = [0, 500] as const

/** Members of one group come and go all the time, half of them without a word, while records are written. */
export async function churn(
  { bootstrap, gateways }: Stage,
  { seconds, seed, members }: ConsumeOptions,
): Promise<Result> {
  await makeTopics(bootstrap, [TOPIC], PARTITIONS)
  const urls = gateways.map(({ url }) => url)
  const record = new Recorder()
  const calm = new AbortController()
  const over = new AbortController()
  let joins = 0
  const place = async (slot: number) => {
    const random = seededRandom(seed * 1_000 + slot)
    while (!calm.signal.aborted) {
      const leave = new AbortController()
      const staying = member({
        ...{ urls, topic: TOPIC, group: 'churn', record },
        name: `m${slot}.${joins++}`,
        over: AbortSignal.any([leave.signal, over.signal]),
        leaves: random() < 0.5 ? 'in order' : 'vanishing',
      })
      // Who is there in the end stays to the end.
      if (await passed(between(...STAYS, random), calm.signal)) leave.abort()
      await staying
      await passed(between(...EMPTY, random), calm.signal)
    }
  }
  const producer = produceSteadily(urls, TOPIC, { perSecond: PER_SECOND })
  const places = Array.from({ length: members }, (_, slot) => place(slot))
  await pause(seconds * 1_000)
  calm.abort()
  await producer.stop()
  say(`churn: ${joins} members have joined; reading to the end`)
  await untilRead(bootstrap, TOPIC, [record.history])
  const committed = await untilCommitted(bootstrap, TOPIC, 'churn')
  over.abort()
  await Promise.all(places)
  const log = await readNumbers(bootstrap, TOPIC)
  const verdict = judgeGroup(record.history, log, committed)
  const row = rowOf('churn', `${members} members`, figuresOf([record.history], log), [verdict])
  return {
    rows: [row],
    broken: verdict.broken,
    notes: [`churn: ${joins} joins`, ...told('churn, members', [record])],
  }
}

/** Whether so much time has passed before the signal came. */
function passed(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false)
}
