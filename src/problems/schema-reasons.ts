import type { z } from 'zod'

const TYPES: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

const UNITS: Record<string, string> = { string: 'characters', array: 'items' }

/**
 * What was expected, in the words of this API rather than the schema library's; to be given with each parse of what a
 * client sent. A schema's own message comes first, and undefined leaves the word to the library.
 */
export function reasonFor(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    const expected = TYPES[issue.expected] ?? issue.expected
    return issue.input === undefined ? `is missing: expected ${expected}` : `expected ${expected}`
  }
  if (issue.code === 'invalid_value') return `expected ${alternatives(issue.values.map(String))}`
  if (issue.code === 'invalid_key') return 'a name in it is not acceptable'
  if (issue.code === 'too_small') return bound('at least', issue.minimum, issue.origin)
  if (issue.code === 'too_big') return bound('at most', issue.maximum, issue.origin)
  return undefined
}

function bound(word: string, limit: number | bigint, origin: string): string {
  const unit = UNITS[origin]
  if (unit === undefined) return `expected ${word} ${limit}`
  return `expected ${word} ${limit} ${Number(limit) === 1 ? unit.slice(0, -1) : unit}`
}

/** `a, b or c`. */
function alternatives(values: readonly string[]): string {
  if (values.length < 2) return values.join('')
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}
