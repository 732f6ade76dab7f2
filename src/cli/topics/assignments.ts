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
