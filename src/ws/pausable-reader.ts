import type { PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import { Problem } from '../problems/problem.ts'
import type { EventReader } from '../streams/event-reader.ts'
import { keyOf, type TopicPartition } from '../kafka/topic-partition.ts'

/** A partition from being assigned until it is unassigned, also where it is repositioned in between. */
interface Reading extends TopicPartition {
  topicId: string
  /** Sent up to here: where reading goes on. */
  offset: number
  paused: boolean
}

/**
 * A reader of which partitions can be paused: they are not read, and nothing that was read ahead of them is current any
 * more. Resumed, each goes on behind what was sent.
 */
export class PausableReader implements EventReader {
  readonly #reader: EventReader
  readonly #readings = new Map<string, Reading>()
  /** Whatever is assigned is paused. */
  #pausesAll = false

  constructor(reader: EventReader) {
    this.#reader = reader
  }

  get trouble(): Problem | undefined {
    return this.#reader.trouble
  }

  /** A paused partition stays paused, and goes on from its new position. */
  assign(positions: readonly PartitionPosition[]): void {
    for (const { topic, topicId, partition, offset } of positions) {
      const key = keyOf({ topic, partition })
      const reading = this.#readings.get(key)
      if (reading !== undefined) Object.assign(reading, { topicId, offset })
      else this.#readings.set(key, { topic, topicId, partition, offset, paused: this.#pausesAll })
    }
    this.#reader.assign(positions.filter((position) => this.#readings.get(keyOf(position))?.paused === false))
  }

  unassign(partitions: readonly TopicPartition[]): void {
    this.#reader.unassign(partitions)
    for (const partition of partitions) this.#readings.delete(keyOf(partition))
  }

  isCurrent(partition: TopicPartition): boolean {
    return this.#reader.isCurrent(partition)
  }

  next(signal?: AbortSignal): Promise<readonly ReaderEvent[]> {
    return this.#reader.next(signal)
  }

  close(): void {
    this.#reader.close()
  }

  /** Everything of a partition up to `offset` has been sent. */
  moveTo(partition: TopicPartition, offset: number): void {
    const reading = this.#readings.get(keyOf(partition))
    if (reading !== undefined) reading.offset = offset
  }

  /** An object that stands for the partition from being assigned until it is unassigned; undefined where it is not. */
  tenure(partition: TopicPartition): object | undefined {
    return this.#readings.get(keyOf(partition))
  }

  /** The numbers of a topic's partitions that are assigned. */
  partitionsOf(topic: string): number[] {
    return [...this.#readings.values()].flatMap((r) => (r.topic === topic ? [r.partition] : []))
  }

  /**
   * Pauses partitions, or all that are and will be assigned; names them.
   * @throws Problem not_assigned, and pauses none
   */
  pause(partitions?: readonly TopicPartition[]): TopicPartition[] {
    const readings = this.#named(partitions)
    if (partitions === undefined) this.#pausesAll = true
    for (const reading of readings) reading.paused = true
    this.#reader.unassign(readings)
    return readings.map(nameOf)
  }

  /** The opposite. @throws Problem not_assigned, and resumes none */
  resume(partitions?: readonly TopicPartition[]): TopicPartition[] {
    const readings = this.#named(partitions)
    if (partitions === undefined) this.#pausesAll = false
    const paused = readings.filter((reading) => reading.paused)
    for (const reading of paused) reading.paused = false
    this.#reader.assign(paused)
    return readings.map(nameOf)
  }

  #named(partitions: readonly TopicPartition[] | undefined): Reading[] {
    if (partitions === undefined) return [...this.#readings.values()]
    const readings = partitions.map((partition) => {
      const reading = this.#readings.get(keyOf(partition))
      if (reading === undefined) throw notAssigned(partition)
      return reading
    })
    return [...new Set(readings)]
  }
}

function nameOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

export function notAssigned({
  topic,
  partition,
}: {
  readonly topic: string
  readonly partition?: number | undefined
}): Problem {
  const detail =
    partition === undefined
      ? `No partition of ${topic} is assigned to this socket.`
      : `${topic}, partition ${partition} is not assigned to this socket.`
  return new Problem('not_assigned', { detail })
}
