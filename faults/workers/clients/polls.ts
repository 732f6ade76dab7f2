import type { Place } from '../../history/events.ts'
import type { Seen } from '../../history/ledger.ts'
import { received, type RecordJson } from '../../history/record.ts'

/** A record as every way to read has it. */
export interface ReadJson extends RecordJson {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What a consumer was sent at once, partition by partition, each in the order in which it came. */
export function pollsOf(records: readonly ReadJson[]): Seen[] {
  const of = Map.groupBy(records, ({ topic, partition }) => `${topic}/${partition}`)
  return [...of.values()].map((own) => ({
    f: 'poll',
    topic: own[0]!.topic,
    partition: own[0]!.partition,
    records: own.map((record) => {
      const { id, digest } = received(record)
      return [record.offset, id, digest]
    }),
  }))
}

/** The same said of each of some places. */
export function placesOf(f: 'assigned' | 'acked' | 'committed', places: readonly (Place & object)[]): Seen[] {
  return places.map(({ topic, partition, offset }) => ({ f, place: { topic, partition, offset } }))
}

/** Behind the last record of each partition in a batch. */
export function behind(records: readonly ReadJson[]): Place[] {
  const last = new Map(records.map((record) => [`${record.topic}/${record.partition}`, record]))
  return [...last.values()].map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 }))
}
