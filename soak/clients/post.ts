import { setTimeout as pause } from 'node:timers/promises'
import { type Client, outcomeOf, postJson, type ResultJson, Turn } from './client.ts'

/** Posts JSON: single records, or batches of `size`. Nothing is sent twice: what has no answer is unknown. */
export const post =
  (route: string, size: number): Client =>
  async ({ urls, topics, name, over, tell }) => {
    const turn = new Turn(urls)
    for (let n = 0; !over.aborted;) {
      const topic = topics[Math.floor(n / size) % topics.length]!
      const values = Array.from({ length: size }, () => `${name}-${n++}`)
      const records = values.map((value) => ({ key: name, value }))
      const since = performance.now()
      const results = await send(
        `${turn.url}/v1/topics/${topic}/records`,
        size === 1 ? records[0]! : { records },
      )
      const tookMs = performance.now() - since
      values.forEach((value, i) => {
        tell({
          value,
          route,
          client: name,
          topic,
          sentAt: since,
          tookMs,
          ...outcomeOf(results?.[i] ?? results?.[0]),
        })
      })
      if (results === undefined || results.some(({ error }) => error !== undefined)) {
        turn.next()
        await pause(50)
      }
    }
  }

/** The result of each record; one for all where the request as a whole was refused; undefined where no answer came. */
async function send(url: string, body: object): Promise<readonly ResultJson[] | undefined> {
  const answer = await postJson<ResultJson & { results?: ResultJson[]; code?: string; outcome?: 'unknown' }>(
    url,
    body,
  )
  if (answer === undefined) return undefined
  const { status, ok, json } = answer
  if (json.results !== undefined) return json.results
  if (ok) return [json]
  return [{ error: { code: json.code ?? String(status), outcome: json.outcome ?? 'unknown' } }]
}
