import { withAdmin } from './kafka.ts'

/** What the witness sees as committed in a topic, by partition; -1 where nothing is. */
export async function committedOffsets(
  groupId: string,
  topic: string,
  bootstrap?: string,
): Promise<number[]> {
  const [found] = await withAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }), bootstrap)
  return found!.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
}

/** How many members the witness sees in a group. */
export async function membersOf(groupId: string): Promise<number> {
  const { groups } = await withAdmin((admin) => admin.describeGroups([groupId]))
  return groups[0]!.members.length
}
