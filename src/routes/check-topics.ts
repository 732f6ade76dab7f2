import { Problem } from '../problems/problem.ts'
import { checkTopicName } from './route.ts'

/**
 * Checks the names of topics in a body.
 * @throws Problem as checkTopicName, with a pointer
 */
export function checkTopics(mentions: readonly { topic: string; pointer: string }[]): void {
  const checked = new Set<string>()
  for (const { topic, pointer } of mentions) {
    if (checked.has(topic)) continue
    checked.add(topic)
    try {
      checkTopicName(topic)
    } catch (error) {
      const { code, row } = error as Problem
      throw new Problem(code, {
        detail: `${pointer}: ${row.title}.`,
        errors: [{ pointer, reason: row.title }],
      })
    }
  }
}
