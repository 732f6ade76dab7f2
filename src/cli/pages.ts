import type { Context } from './context.ts'
import type { Query } from './gateway-client.ts'

/** All items of a list that may come in pages, under the name that the document has for them. */
export async function allPages<T>(
  context: Context,
  path: string,
  items: string,
  query: Query = {},
): Promise<T[]> {
  const all: T[] = []
  let after: string | undefined
  for (;;) {
    const page = await context.gateway.json<Record<string, unknown>>('GET', path, {
      query: after === undefined ? query : { ...query, after },
    })
    all.push(...((page.body[items] ?? []) as T[]))
    const { next } = page.body
    if (typeof next !== 'string') return all
    after = next
  }
}

/** A topic's path; `rest` follows it as it stands. */
export function topicPath(topic: string, rest = ''): string {
  return `/v1/topics/${segment(topic)}${rest}`
}

/** A name as one segment of a path: dots alone would be taken for a folder. */
export function segment(name: string): string {
  return encodeURIComponent(name).replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length))
}
