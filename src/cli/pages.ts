import type { Context } from './context.ts'
import type { Query } from './gateway-client.ts'

/**
 * All items of a list that may come in pages, under the name that the document has for them. Brokers that did not
 * answer, and so leave items out, are told on standard error.
 */
export async function allPages<T>(
  context: Context,
  path: string,
  items: string,
  query: Query = {},
): Promise<T[]> {
  const all: T[] = []
  let after: string | undefined
  for (;;) {
    const { body } = await context.gateway.json<Record<string, unknown>>('GET', path, {
      query: after === undefined ? query : { ...query, after },
    })
    all.push(...((body[items] ?? []) as T[]))
    tellUnanswered(context, body)
    const { next } = body
    if (typeof next !== 'string') return all
    after = next
  }
}

/** Says which brokers did not answer, where a document names any, and what follows from it. */
export function tellUnanswered(
  context: Context,
  document: object,
  meaning = 'what only it knows is missing',
): void {
  const { unanswered } = document as { readonly unanswered?: unknown }
  if (!Array.isArray(unanswered) || unanswered.length === 0) return
  context.say(`sluice: no answer from broker ${unanswered.join(', ')}: ${meaning}.`)
}

/** A topic's path; `rest` follows it as it stands. */
export function topicPath(topic: string, rest = ''): string {
  return `/v1/topics/${segment(topic)}${rest}`
}

/** A name as one segment of a path: dots alone would be taken for a folder. */
export function segment(name: string): string {
  return encodeURIComponent(name).replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length))
}
