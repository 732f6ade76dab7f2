import { UsageError } from '../errors.ts'

/**
 * `name=value` options as an object; a value may hold further signs.
 * @throws UsageError
 */
export function nameValues(texts: readonly string[], option: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new UsageError(`${option} is given as name=value, not ${text}`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

/**
 * `name=a,b` options as lists by name.
 * @throws UsageError
 */
export function nameLists(texts: readonly string[], option: string): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(nameValues(texts, option)).map(([name, value]) => [name, value.split(',')]),
  )
}

/**
 * Brokers as `1,2,3`.
 * @throws UsageError
 */
export function brokerList(text: string, option: string): number[] {
  return text.split(',').map((id) => {
    if (!/^\d{1,9}$/.test(id))
      throw new UsageError(`${option} is given as broker ids, such as 1,2,3, not ${text}`)
    return Number(id)
  })
}

/** Options that change configs. */
export interface ConfigChanges {
  readonly config?: readonly string[]
  readonly unset?: readonly string[]
  readonly append?: readonly string[]
  readonly subtract?: readonly string[]
}

/**
 * The members of a PATCH that changes configs; `others` are further ones.
 * @throws UsageError where there is none at all
 */
export function configChanges(
  { config = [], unset = [], append, subtract }: ConfigChanges,
  others: object = {},
): object {
  const configs = {
    ...nameValues(config, '--config'),
    ...Object.fromEntries(unset.map((name) => [name, null])),
  }
  const change = {
    ...others,
    ...(Object.keys(configs).length > 0 && { configs }),
    ...(append !== undefined && { append: nameLists(append, '--append') }),
    ...(subtract !== undefined && { subtract: nameLists(subtract, '--subtract') }),
  }
  if (Object.keys(change).length === 0)
    throw new UsageError('nothing to change', 'Add --help to see what can be.')
  return change
}
