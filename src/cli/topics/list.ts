import type { Context } from '../context.ts'
import { allPages } from '../pages.ts'
import type { TopicSummary } from './documents.ts'

export interface ListOptions {
  readonly prefix?: string
  readonly internal?: boolean
  readonly underReplicated?: boolean
}

export async function listTopics(
  context: Context,
  options: ListOptions,
  glob: string | undefined,
): Promise<void> {
  const topics = await allPages<TopicSummary>(context, '/v1/topics', 'topics', { ...options, match: glob })
  await context.printList(
    { topics },
    topics,
    [
      { title: 'TOPIC', value: ({ name }) => name },
      { title: 'PARTITIONS', value: ({ partitions }) => partitions, right: true },
      { title: 'REPLICAS', value: ({ replicationFactor }) => replicationFactor, right: true },
      {
        title: 'UNDER-REPLICATED',
        value: ({ underReplicated }) => underReplicated,
        right: true,
        paint: ({ underReplicated = 0 }, style) => (underReplicated > 0 ? style.red : undefined),
      },
    ],
    ({ name }) => name,
  )
}
