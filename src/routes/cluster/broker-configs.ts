import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { ConfigRefused } from '../../kafka/admin/cluster/broker-config-rules.ts'
import {
  alterBrokerConfigs,
  type ConfigTarget,
  describeBrokerConfigs,
  levelOf,
} from '../../kafka/admin/cluster/broker-configs.ts'
import type { ConfigChanges } from '../../kafka/admin/configs/config-changes.ts'
import type { ConfigEntry } from '../../kafka/admin/configs/config-entry.ts'
import { ownValue } from '../../kafka/admin/configs/config-preview.ts'
import { Problem } from '../../problems/problem.ts'
import type { ProblemCode } from '../../problems/problems.ts'
import { readJson } from '../body.ts'
import { BrokerConfig, exampleConfig, toConfigDocuments } from '../configs/config-document.ts'
import { configPatchMembers, configPointer, toConfigChanges } from '../configs/config-patch.ts'
import { checkIfMatch, etagOf } from '../etag.ts'
import { type AppContext, checkBody, parseQuery } from '../route.ts'

/** What GET and PATCH of broker configs have in common, for one broker and for all. */

export const ReadQuery = z.strictObject({
  name: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('Only this config; may be given more than once.'),
})

export const ConfigList = z
  .strictObject({ configs: z.array(BrokerConfig).describe('Sorted by name.') })
  .meta({ id: 'BrokerConfigList', example: { configs: [exampleConfig] } })

export const ConfigPatch = z
  .strictObject({
    ...configPatchMembers,
    validateOnly: z
      .boolean()
      .optional()
      .describe('Only say what the configs would be, or why they cannot be. Nothing is changed.'),
  })
  .meta({
    id: 'BrokerConfigPatch',
    example: { configs: { 'log.retention.ms': 86400000, 'log.cleaner.threads': null } },
  })

export const ChangedConfigs = z
  .strictObject({
    configs: z
      .array(BrokerConfig)
      .describe('Those that were named, as they are now; or as they would be, with `validateOnly`.'),
    validateOnly: z.boolean(),
  })
  .meta({ id: 'ChangedBrokerConfigs', example: { configs: [exampleConfig], validateOnly: false } })

export const etagHeader = z.object({
  etag: z.string().describe('Stands for what is set here; give it back in If-Match to change nothing else.'),
})

export const ifMatchHeader = z.object({
  'if-match': z
    .string()
    .optional()
    .describe('The ETag of a GET: the change is made only if nobody else changed anything since.'),
})

export const readProblems = [
  'invalid_parameter',
  'kafka_authorization',
  'not_acceptable',
  'kafka_auth_failed',
  'kafka_unavailable',
] as const satisfies ProblemCode[]

export const changeProblems = [
  ...readProblems,
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
  'unsupported_content_encoding',
  'invalid_request',
  'invalid_config',
  'read_only_config',
  'policy_violation',
  'precondition_failed',
] as const satisfies ProblemCode[]

export async function answerConfigs(
  c: AppContext,
  { cluster }: Pick<Deps, 'cluster'>,
  target: ConfigTarget,
): Promise<Response> {
  const { name } = parseQuery(ReadQuery, c, ['name'])
  const entries = await describeBrokerConfigs(cluster, target)
  const wanted = name === undefined ? undefined : new Set([name].flat())
  const shown = entries.filter((entry) => wanted?.has(entry.name) ?? true)
  const document: z.input<typeof ConfigList> = { configs: toConfigDocuments(shown) }
  return c.json(document, 200, { etag: tagOf(entries, target) })
}

export async function changeConfigs(
  c: AppContext,
  { cluster, config }: Pick<Deps, 'cluster' | 'config'>,
  target: ConfigTarget,
): Promise<Response> {
  parseQuery(z.strictObject({}), c)
  const body = checkBody(ConfigPatch, await readJson(c, config.limits))
  const changes = toConfigChanges(body)
  const { validateOnly = false } = body
  const onSeen = (before: readonly ConfigEntry[]) => checkIfMatch(c, tagOf(before, target))
  try {
    const configs = await alterBrokerConfigs(cluster, target, changes, { validateOnly, onSeen })
    const document: z.input<typeof ChangedConfigs> = { configs: toConfigDocuments(configs), validateOnly }
    if (validateOnly) c.env.outgoing.outcome = 'validated'
    return c.json(document)
  } catch (error) {
    throw error instanceof ConfigRefused ? toProblem(error, changes) : error
  }
}

/** Of what is set there, not of what comes from elsewhere. A secret's value is not known, only that there is one. */
function tagOf(entries: readonly ConfigEntry[], target: ConfigTarget): string {
  const level = levelOf(target)
  return etagOf(
    entries.flatMap((entry) => {
      const value = ownValue(entry, level)
      return value === undefined ? [] : [[entry.name, value]]
    }),
  )
}

function toProblem({ code, config, message: reason, cause }: ConfigRefused, changes: ConfigChanges): Problem {
  const pointer = configPointer(changes, config)
  const detail = `${pointer === '' ? 'The change' : pointer}: ${reason}.`
  return new Problem(code, { detail, errors: [{ pointer, reason }], cause })
}
