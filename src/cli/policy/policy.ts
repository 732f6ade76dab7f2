import { readFileSync } from 'node:fs'
import { cluster, group, operations, type Policy, type Resource, topic } from '../../auth/policy.ts'
import { parsePolicy } from '../../auth/policy-document.ts'
import { anonymous } from '../../auth/principal.ts'
import type { Context } from '../context.ts'
import { exitCodes, UsageError } from '../errors.ts'
import { namedFile, unusable } from '../named-file.ts'

export interface PolicyOptions {
  readonly file?: string
  readonly as?: string
  readonly role?: readonly string[]
  readonly op?: string
  readonly topic?: string
  readonly group?: string
  readonly cluster?: boolean
}

/** `sluice policy check`: whether a gateway would take the file. */
export async function checkPolicy(context: Context, options: PolicyOptions): Promise<void> {
  const { path, policy } = readPolicy(options)
  await context.print(
    { file: path, rules: policy.rules.length },
    () => `${path}: ${policy.rules.length} rules, all fine\n`,
  )
}

/** `sluice policy test`: what is decided, and by which rule. Ends with 1 where it is refused, for scripts. */
export async function testPolicy(context: Context, options: PolicyOptions): Promise<void> {
  const { policy } = readPolicy(options)
  const { as = 'anonymous', role: roles = [], op } = options
  const operation = operations.find((one) => one === op)
  if (operation === undefined) throw new UsageError(`--op: expected one of ${operations.join(', ')}`)
  const principal =
    as === anonymous.name ? anonymous : { name: as, roles, expiresAt: undefined, isCurrent: () => true }
  const { allowed, rule } = policy.decide(principal, operation, resourceOf(options))
  const decision = { allowed, rule: rule?.name ?? null, effect: rule?.effect ?? null }
  const why =
    rule === undefined
      ? 'no rule allows it'
      : `"${rule.name}" ${rule.effect === 'allow' ? 'allows' : 'denies'} it`
  await context.print(decision, () => `${allowed ? 'allowed' : 'refused'}: ${why}\n`)
  if (!allowed) process.exitCode = exitCodes.failed
}

function resourceOf({ topic: topicName, group: groupName, cluster: isCluster }: PolicyOptions): Resource {
  const given = [
    topicName !== undefined && topic(topicName),
    groupName !== undefined && group(groupName),
    isCluster === true && cluster,
  ].filter((resource) => resource !== false)
  if (given.length !== 1) throw new UsageError('give exactly one of --topic, --group and --cluster')
  return given[0]!
}

function readPolicy({ file }: PolicyOptions): { path: string; policy: Policy } {
  const path = namedFile(file, 'SLUICE_POLICY_FILE', 'rules')
  try {
    return { path, policy: parsePolicy(readFileSync(path, 'utf8')) }
  } catch (error) {
    throw unusable(path, error)
  }
}
