import { z } from 'zod'
import type { ConfigChanges } from '../../kafka/admin/configs/config-changes.ts'
import { Problem } from '../../problems/problem.ts'
import { toPointer } from '../route.ts'

/** Most configs that one request changes. */
const MAX_CONFIGS = 1_000

/** Bytes of UTF-8 in a string of Kafka's protocol; at a longer one a broker closes the connection, which others share. */
const MAX_TEXT_BYTES = 32_767
const tooLong = `expected at most ${MAX_TEXT_BYTES} bytes of UTF-8`
const isSendable = (text: string) => Buffer.byteLength(text) <= MAX_TEXT_BYTES

/** Beyond these JSON.parse rounds integers; a larger one can be sent as text. */
const plainNumber = z
  .number()
  .min(Number.MIN_SAFE_INTEGER, 'send so large a number as a string')
  .max(Number.MAX_SAFE_INTEGER, 'send so large a number as a string')

/** The value of a config, which Kafka has as text. */
export const ConfigValue = z.union([z.string().refine(isSendable, tooLong), plainNumber, z.boolean()])

export const ConfigName = z.string().min(1).max(1_000)

const listItem = z
  .string()
  .min(1)
  .regex(/^[^,]*$/, 'expected one value, without a comma')
const few = (object: object) => Object.keys(object).length <= MAX_CONFIGS
const list = z
  .array(listItem)
  .min(1)
  .max(MAX_CONFIGS)
  .refine((items) => isSendable(items.join(',')), `${tooLong} in all`)
const lists = z.record(ConfigName, list).refine(few, `expected at most ${MAX_CONFIGS} configs`)

/** The members of a body that changes configs and leaves all others as they are (KIP-339). */
export const configPatchMembers = {
  configs: z
    .record(ConfigName, ConfigValue.nullable())
    .refine(few, `expected at most ${MAX_CONFIGS} configs`)
    .optional()
    .describe('Configs to set, by their Kafka names; null takes one back to what it is without.'),
  append: lists
    .optional()
    .describe('Values to add to configs that are lists. What is in the list already stays as it is.'),
  subtract: lists.optional().describe('Values to take out of configs that are lists.'),
}

type ConfigPatch = z.output<z.ZodObject<typeof configPatchMembers>>

/** @throws Problem invalid_request where one config is to be changed in two ways */
export function toConfigChanges(body: ConfigPatch): ConfigChanges {
  const set = new Map(
    Object.entries(body.configs ?? {}).map(([key, value]) => [key, value === null ? null : String(value)]),
  )
  const append = new Map(Object.entries(body.append ?? {}))
  const subtract = new Map(Object.entries(body.subtract ?? {}))
  const refuse = (member: string, key: string, other: string) => {
    const pointer = toPointer([member, key])
    const reason = `it is in ${other} as well: change it in one way`
    throw new Problem('invalid_request', { detail: `${pointer}: ${reason}.`, errors: [{ pointer, reason }] })
  }
  for (const key of append.keys()) if (set.has(key)) refuse('append', key, 'configs')
  for (const key of subtract.keys()) {
    if (set.has(key)) refuse('subtract', key, 'configs')
    if (append.has(key)) refuse('subtract', key, 'append')
  }
  return { set, append, subtract }
}

/** The pointer to a config in the body that names it. */
export function configPointer({ set, append }: ConfigChanges, config: string | undefined): string {
  if (config === undefined) return toPointer([])
  const member = set.has(config) ? 'configs' : append.has(config) ? 'append' : 'subtract'
  return toPointer([member, config])
}
