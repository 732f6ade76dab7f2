import { onTestFinished } from 'vitest'
import type { HttpClient } from './http.ts'
import { uniqueName, withAdmin } from './kafka.ts'

/** A new topic, made through the gateway, which is faster than through the witness; deleted when the test ends. */
export async function createTopic(
  client: HttpClient,
  members: Record<string, unknown> = {},
): Promise<string> {
  const name = uniqueName()
  const answer = await client.post('/v1/topics', { name, ...members })
  if (answer.status !== 201) throw new Error(`topic not made: ${answer.text}`)
  onTestFinished(async () => {
    await client.delete(`/v1/topics/${name}`)
  })
  return name
}

/** How many records the witness sees in a topic's partitions. */
export async function recordsIn(topic: string): Promise<number> {
  const partitions = await withAdmin((admin) => admin.fetchTopicOffsets(topic))
  return partitions.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
}
