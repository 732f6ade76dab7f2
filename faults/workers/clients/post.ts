import { jsonOf } from '../../history/record.ts'
import { type Client, type ResultJson, resultOf, rest, RETRY_MS, Source } from '../client.ts'
import { call } from '../http.ts'

/** Posts JSON: single records, or batches of `size`. Nothing is sent twice: what has no answer is unknown. */
export const post =
  (route: string, size: number): Client =>
  async (context) => {
    const { url, name, over, ledger } = context
    const source = new Source(context)
    while (!over.aborted) {
      const records = source.ofOne(size)
      const bodies = records.map(([, id]) => jsonOf(id))
      const done = ledger.send(name, route, records)
      const results = await send(
        `${url}/v1/topics/${records[0]![0]}/records`,
        size === 1 ? bodies[0]! : { records: bodies },
      )
      const all = records.map((_, i) => resultOf(results?.[i] ?? results?.[0]))
      done(all)
      await rest(context, all.some(({ outcome }) => outcome !== 'written') ? RETRY_MS : 0)
    }
  }

/** The result of each record; one for all where the request as a whole was refused; undefined where no answer came. */
async function send(url: string, body: object): Promise<readonly ResultJson[] | undefined> {
  type Json = ResultJson & { results?: ResultJson[]; code?: string; outcome?: 'unknown' | 'not_written' }
  const answer = await call<Json>(url, { method: 'POST', body })
  if (answer === undefined) return undefined
  const { status, ok, json } = answer
  if (json.results !== undefined) return json.results
  if (ok) return [json]
  return [{ error: { code: json.code ?? String(status), outcome: json.outcome ?? 'unknown' } }]
}
