import type { StartPosition } from '../records/start-position.ts'
import type { Cluster, TopicInfo } from './cluster.ts'
import type { Deadline } from './deadline.ts'
import { findOffsets } from './reader/offset-finder.ts'
import type { Isolation } from './wire/fetch.ts'

/**
 * The offset that a start position means in each of these partitions. A time after the last record means the end. An
 * offset is taken as it is: whether it lies within the partition shows when it is read.
 * @throws as findOffsets
 */
export async function startOffsets(
  cluster: Cluster,
  topic: TopicInfo,
  partitions: readonly number[],
  start: StartPosition,
  isolation: Isolation,
  deadline: Deadline,
): Promise<Map<number, number>> {
  const find = (place: Parameters<typeof findOffsets>[3]) =>
    findOffsets(cluster, topic, partitions, place, isolation, deadline)
  switch (start.kind) {
    case 'earliest':
    case 'latest':
      return find(start.kind)
    case 'offset':
      return new Map(partitions.map((partition) => [partition, start.offset]))
    case 'last': {
      const [earliest, latest] = await Promise.all([find('earliest'), find('latest')])
      return new Map([...latest].map(([p, end]) => [p, Math.max(earliest.get(p) ?? 0, end - start.count)]))
    }
    case 'time': {
      const [found, latest] = await Promise.all([find({ timestamp: start.timestamp }), find('latest')])
      return new Map([...latest].map(([p, end]) => [p, found.get(p) ?? end]))
    }
  }
}
