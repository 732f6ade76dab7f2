import { Problem } from '../../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { planFetches } from '../../reader/fetch-plan.ts'
import { fill, newSource, type Source } from '../../reader/source.ts'
import { tryFetch } from '../../reader/try-fetch.ts'
import type { Isolation } from '../../wire/fetch.ts'

/** Partitions asked for in one round; the rest of a topic follow in further ones. */
const ROUND = 64
/** Rounds in which nothing moves: a leader that moved, or one that does not answer, is not waited for. */
const MAX_IDLE_ROUNDS = 2
const PAUSE_MS = 100
/** The timestamp of a record that has none. */
const NONE = -1

/**
 * When the first record at or after an offset was written, ms since the epoch, by partition. No entry where there is no
 * such record, or it was not found by the deadline.
 */
export async function nextRecordTimes(
  cluster: Cluster,
  topic: TopicInfo,
  offsets: ReadonlyMap<number, number>,
  isolation: Isolation,
  deadline: Deadline,
): Promise<Map<number, number>> {
  const times = new Map<number, number>()
  let sources = [...offsets].map((entry) => newSource(entry))
  let idle = 0
  while (sources.length > 0 && idle < MAX_IDLE_ROUNDS && !deadline.passed) {
    const turn = sources.slice(0, ROUND)
    const before = progressOf(turn)
    await fetchRound(cluster, topic, turn, isolation, deadline)
    for (const { partition, records } of turn) {
      const time = Number(records[0]?.timestamp ?? NONE)
      if (time !== NONE) times.set(partition, time)
    }
    // A broker fills its answer from the front; what it had no room for is in front next time.
    const rest = turn.filter((s) => s.records.length === 0 && s.position < s.end)
    idle = rest.length === turn.length && progressOf(turn) === before ? idle + 1 : 0
    if (idle > 0) await deadline.pause(PAUSE_MS)
    sources = [...rest, ...sources.slice(ROUND)]
  }
  return times
}

function progressOf(sources: readonly Source[]): number {
  return sources.reduce((sum, { position }) => sum + position, 0)
}

async function fetchRound(
  cluster: Cluster,
  topic: TopicInfo,
  partitions: readonly Source[],
  isolation: Isolation,
  deadline: Deadline,
): Promise<void> {
  const plan = { topic, partitions, isolation, maxWaitMs: 0, records: partitions.length }
  const fetches = [...planFetches(plan)].filter(([leader]) => leader >= 0)
  const answers = await Promise.all(
    fetches.map(([leader, request]) =>
      deadline.within(tryFetch(cluster, leader, request)).catch((problem: Problem) => problem),
    ),
  )
  for (const answer of answers) {
    if (answer instanceof Problem) continue
    for (const fetched of answer.partitions) {
      const source = partitions.find(({ partition }) => partition === fetched.partition)
      if (source === undefined) continue
      if (fetched.errorCode === KafkaCode.NONE) fill(source, fetched, isolation, 1)
      // Its bounds moved meanwhile: whoever asks again finds out.
      else if (fetched.errorCode === KafkaCode.OFFSET_OUT_OF_RANGE) source.end = source.position
    }
  }
}
