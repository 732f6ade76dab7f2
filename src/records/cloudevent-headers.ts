import type { ProblemPart } from '../problems/problem.ts'
import { nameFault, requiredAttributes, valueFault } from './cloudevent-attributes.ts'
import { invalidEvent } from './parse-cloudevents.ts'

const PREFIX = 'ce-'

/**
 * The attributes in the `ce-*` headers of an HTTP message in binary content mode.
 * @param rawHeaders names and values in turn, the values as Latin-1, as Node gives them
 * @throws Problem invalid_event naming each header at fault
 */
export function attributesOfHeaders(rawHeaders: readonly string[]): Map<string, string> {
  const attributes = new Map<string, string>()
  const seen = new Set<string>()
  const errors: ProblemPart[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const parameter = rawHeaders[i]!.toLowerCase()
    if (!parameter.startsWith(PREFIX)) continue
    const name = parameter.slice(PREFIX.length)
    const text = decodeHeader(rawHeaders[i + 1]!)
    const reason = seen.has(name) ? 'given twice' : faultOf(name, text)
    seen.add(name)
    if (reason !== undefined) errors.push({ parameter, reason })
    else attributes.set(name, text!)
  }
  for (const name of requiredAttributes) {
    if (!seen.has(name)) errors.push({ parameter: PREFIX + name, reason: 'required' })
  }
  if (errors.length > 0) throw invalidEvent(errors)
  return attributes
}

function faultOf(name: string, text: string | undefined): string | undefined {
  if (name === 'datacontenttype') return 'not as a header of its own: it is the Content-Type'
  const fault = nameFault(name)
  if (fault !== undefined || text === undefined) return fault ?? 'not percent-encoded UTF-8'
  const reason = valueFault(name, text)
  return reason === undefined ? undefined : `${reason}, once percent-decoded`
}

/**
 * The text of a header's value (HTTP binding of CloudEvents, section 3.1.3.2): unquoted where it is quoted, then
 * percent-decoded once. Undefined where it is not percent-encoded UTF-8.
 */
function decodeHeader(value: string): string | undefined {
  // Many clients send UTF-8 as it is, which the binding doesn't allow and nothing else can be meant by.
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  if (!Buffer.from(text).equals(bytes)) return undefined
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(text)?.[1]
  try {
    return decodeURIComponent(quoted === undefined ? text : quoted.replaceAll(/\\(.)/g, '$1'))
  } catch {
    return undefined
  }
}
