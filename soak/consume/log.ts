import { setTimeout as pause } from 'node:timers/promises'
import { committedOffsets, endOffsets, readLog } from '../witness.ts'
import type { PartitionLog, Seen } from './history.ts'

/** The log of a topic of numbers, read by the witness. @throws Error where it has gaps */
export async function readNumbers(bootstrap: string, topic: string): Promise<PartitionLog> {
  const ends = await endOffsets(bootstrap, topic)
  const log = ends.map((): { value: number; timestamp: number }[] => [])
  for (const { partition, offset, value, timestamp } of await readLog(bootstrap, [topic])) {
    if (offset !== log[partition]!.length) throw new Error(`${topic}/${partition} has a gap before ${offset}`)
    log[partition]!.push({ value: Number(value), timestamp })
  }
  return log
}

/** Waits until consumers have come to the end of every partition, each of them or all together; or gives up. */
export async function untilRead(
  bootstrap: string,
  topic: string,
  histories: readonly (readonly Seen[])[],
  seconds = 60,
): Promise<void> {
  const ends = await endOffsets(bootstrap, topic)
  const reached = histories.map(() => ends.map(() => 0))
  const looked = histories.map(() => 0)
  const deadline = performance.now() + seconds * 1_000
  const isRead = () =>
    histories.every((history, h) => {
      for (; looked[h]! < history.length; looked[h]!++) {
        const seen = history[looked[h]!]!
        if (seen.kind !== 'records') continue
        const next = seen.offset + seen.values.length
        if (next > reached[h]![seen.partition]!) reached[h]![seen.partition] = next
      }
      return ends.every((end, partition) => reached[h]![partition]! >= end)
    })
  while (!isRead() && performance.now() < deadline) await pause(20)
}

/** Waits until a group has committed the end of every partition, or gives up; what it has committed then. */
export async function untilCommitted(
  bootstrap: string,
  topic: string,
  group: string,
  seconds = 15,
): Promise<number[]> {
  const ends = await endOffsets(bootstrap, topic)
  const deadline = performance.now() + seconds * 1_000
  for (;;) {
    const committed = await committedOffsets(bootstrap, group, topic)
    const isAll = ends.every((end, partition) => committed[partition] === end)
    // Nothing committed counts as zero, where the topic was empty at the start.
    if (isAll || performance.now() > deadline) return committed.map((offset) => Math.max(0, offset))
    await pause(200)
  }
}
