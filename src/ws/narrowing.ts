import { z } from 'zod'
import type { ProblemPart } from '../problems/problem.ts'
import { MAX_FILTER_HEADERS, parseHeaderMatch, recordFilter } from '../records/record-filter.ts'
import { END_POSITION_FORMS, parseEndPosition } from '../records/start-position.ts'
import { isPattern } from '../streams/topic-selection.ts'
import type { TopicStreamOptions } from '../streams/topic-stream.ts'

export const OnlyPartition = z.int().min(0).max(0x7fffffff).meta({
  description: 'Without a group, of one topic: reads this partition alone.',
})

export const Until = z.string().max(64).meta({
  description:
    'Without a group: where to end, with an `end` frame. `latest`, an offset, an ISO 8601 time, or `@` and epoch milliseconds.',
})

export const Limit = z.int().min(1).meta({
  description: 'Without a group: ends after so many records, with an `end` frame.',
})

export const Key = z.string().meta({
  description: 'Without a group: only records whose key is exactly this text.',
})

export const Headers = z.array(z.string()).min(1).max(MAX_FILTER_HEADERS).meta({
  description:
    'Without a group: only records with each of these headers, `NAME:VALUE`. In the URL it is given once for each.',
})

/** What a subscription without a group may leave out, as the client says it. */
export interface RawNarrowing {
  partition?: number | undefined
  until?: string | undefined
  limit?: number | undefined
  key?: string | undefined
  header?: readonly string[] | undefined
}

export type Narrowing = Pick<TopicStreamOptions, 'partition' | 'until' | 'limit' | 'filter'>

interface Context {
  readonly topics: readonly string[]
  readonly isInGroup: boolean
  readonly hasWindow: boolean
}

/** Checks it and turns it into what a stream takes; what is wrong with it is added to `errors`. */
export function readNarrowing(
  { partition, until, limit, key, header }: RawNarrowing,
  { topics, isInGroup, hasWindow }: Context,
  errors: ProblemPart[],
): Narrowing {
  const refuse = (parameter: string, reason: string) => void errors.push({ parameter, reason })
  for (const [name, value] of Object.entries({ partition, until, limit, key, header })) {
    if (value !== undefined && isInGroup) refuse(name, 'not in a group: its members share all that there is')
  }
  const hasPattern = topics.some(isPattern)
  if (partition !== undefined && (topics.length > 1 || hasPattern)) refuse('partition', 'only of one topic')
  // A window counts what is sent; of what is left out no receipt would ever come.
  if (hasWindow && key !== undefined) refuse('key', 'not together with a window')
  if (hasWindow && header !== undefined) refuse('header', 'not together with a window')
  const end = until === undefined ? undefined : parseEndPosition(until)
  if (until !== undefined && end === undefined) refuse('until', END_POSITION_FORMS)
  // It would be an end of topics that are still to come, too.
  if (end?.kind === 'offset' && hasPattern) refuse('until', 'not an offset with a pattern')
  const headers = (header ?? []).flatMap((text) => {
    const match = parseHeaderMatch(text)
    if (match === undefined) refuse('header', 'expected NAME:VALUE')
    return match ?? []
  })
  return { partition, until: end, limit, filter: recordFilter(key, headers) }
}
