import { z } from '@hono/zod-openapi'
import { whole } from './parameters.ts'

const MAX_LIMIT = 10_000
const DEFAULT_LIMIT = 1_000
/** Characters: the names of groups may be as long as a URL takes. */
const MAX_AFTER_LENGTH = 16_384

/** The parameters of a list that comes in pages. */
export const pageParameters = {
  limit: whole(1, MAX_LIMIT).default(DEFAULT_LIMIT).openapi({
    description: 'How many to answer at most.',
    default: DEFAULT_LIMIT,
  }),
  after: z
    .string()
    .max(MAX_AFTER_LENGTH)
    .optional()
    .openapi({ description: 'Where to go on: the `next` of the page before.' }),
}

export const Next = z
  .string()
  .nullable()
  .openapi({ description: 'To be given as `after` for the next page; null where this is the last.' })

/**
 * One page of a list. It is found by its items' keys alone, so that what is there throughout comes exactly once, whatever
 * comes and goes between two pages.
 * @param keyOf the key by which `items` are sorted, and unique
 */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): { page: T[]; next: string | null } {
  const last = after === undefined ? undefined : Buffer.from(after, 'base64url').toString()
  const rest = last === undefined ? items : items.filter((item) => keyOf(item) > last)
  const page = rest.slice(0, limit)
  const isMore = rest.length > page.length
  return { page, next: isMore ? Buffer.from(keyOf(page.at(-1)!)).toString('base64url') : null }
}
