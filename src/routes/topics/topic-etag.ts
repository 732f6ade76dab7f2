import { z } from 'zod'
import type { TopicState } from '../../kafka/admin/topics/alter-steps.ts'
import { etagOf } from '../etag.ts'

/** Of an answer that has the topic. */
export const TagHeader = z.object({
  etag: z.string().optional().describe('Of what PATCH changes, for its `If-Match`.'),
})

/** Of what PATCH changes: how many partitions there are, and the configs set on the topic itself; and of which topic. */
export function topicEtag({
  id,
  partitions,
  configs,
}: Pick<TopicState, 'id' | 'configs'> & { readonly partitions: readonly unknown[] }): string {
  const set = configs?.filter(({ source }) => source === 'topic').map(({ name, value }) => [name, value])
  return etagOf([id, partitions.length, set ?? null])
}
