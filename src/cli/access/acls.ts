import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import type { Query } from '../gateway-client.ts'
import { errorColumns, noteParts, type Part } from '../output/parts.ts'
import { plural } from '../output/quantities.ts'
import type { Style } from '../output/style.ts'
import { table } from '../output/table.ts'
import { allPages } from '../pages.ts'

export interface AclOptions {
  readonly topic?: readonly string[]
  readonly group?: readonly string[]
  readonly transactionalId?: readonly string[]
  readonly cluster?: boolean
  /** Several where they are created. */
  readonly principal?: string | readonly string[]
  readonly operation?: string | readonly string[]
  readonly host?: string
  readonly prefixed?: boolean
  readonly applying?: boolean
  readonly deny?: boolean
  readonly all?: boolean
  readonly yes?: boolean
  readonly dryRun?: boolean
}

interface Acl extends Part {
  readonly resourceType: string
  readonly resourceName: string
  readonly patternType: string
  readonly principal: string
  readonly host: string
  readonly operation: string
  readonly permission: string
}

interface AclResults {
  readonly results: readonly Acl[]
  readonly dryRun: boolean
}

/** What the cluster is called as a resource. */
const CLUSTER = 'kafka-cluster'

export async function listAcls(context: Context, options: AclOptions): Promise<void> {
  const acls = await allPages<Acl>(context, '/v1/acls', 'acls', filterOf(options))
  await context.print({ acls }, () => aclTable(acls, context.style))
}

export async function createAcls(context: Context, options: AclOptions): Promise<void> {
  const { principal = [], operation = [], host, prefixed, deny, dryRun = false } = options
  const resources = resourcesOf(options)
  if (resources.length === 0)
    throw new UsageError('say of what: --topic, --group, --transactional-id or --cluster')
  const acls = resources.flatMap((resource) =>
    [principal].flat().flatMap((one) =>
      [operation].flat().map((operation) => ({
        ...resource,
        principal: one,
        operation,
        ...(host !== undefined && { host }),
        ...(prefixed === true && { patternType: 'prefixed' }),
        ...(deny === true && { permission: 'deny' }),
      })),
    ),
  )
  const { body } = await context.gateway.json<AclResults>('POST', '/v1/acls', { body: { acls, dryRun } })
  await printResults(context, body, dryRun ? 'Would create' : 'Created')
}

export async function deleteAcls(context: Context, options: AclOptions): Promise<void> {
  const { yes, dryRun = false, all } = options
  const query = { ...filterOf(options), all }
  const remove = async (dry: boolean) =>
    (await context.gateway.json<AclResults>('DELETE', '/v1/acls', { query: { ...query, dryRun: dry } })).body
  let removed = await remove(true)
  if (!dryRun && removed.results.length > 0) {
    if (yes !== true && process.stderr.isTTY === true)
      process.stderr.write(aclTable(removed.results, context.style))
    await confirm(`Delete ${plural(removed.results.length, 'rule')}`, { yes })
    removed = await remove(false)
  }
  await printResults(context, removed, dryRun ? 'Would delete' : 'Deleted')
}

async function printResults(context: Context, body: AclResults, done: string): Promise<void> {
  noteParts(body.results)
  await context.print(body, () => aclTable(body.results, context.style))
  context.say(`${done} ${plural(body.results.filter(({ error }) => error === undefined).length, 'rule')}.`)
}

function resourcesOf({ topic = [], group = [], transactionalId = [], cluster }: AclOptions) {
  const named = (resourceType: string, names: readonly string[]) =>
    names.map((resourceName) => ({ resourceType, resourceName }))
  return [
    ...named('topic', topic),
    ...named('group', group),
    ...named('transactional-id', transactionalId),
    ...(cluster === true ? named('cluster', [CLUSTER]) : []),
  ]
}

/** @throws UsageError */
function filterOf(options: AclOptions): Query {
  const { principal, operation, host, prefixed, applying, deny } = options
  const resources = resourcesOf(options)
  if (resources.length > 1) throw new UsageError('name one resource, or none')
  if (applying === true && resources.length === 0)
    throw new UsageError('--applying is about a resource: name one')
  return {
    ...resources[0],
    principal: principal === undefined ? undefined : [principal].flat(),
    operation: operation === undefined ? undefined : [operation].flat(),
    host,
    patternType: applying === true ? 'match' : prefixed === true ? 'prefixed' : undefined,
    permission: deny === true ? 'deny' : undefined,
  }
}

function aclTable(acls: readonly Acl[], style: Style): string {
  return table(
    acls,
    [
      { title: 'PRINCIPAL', value: (acl) => acl.principal },
      {
        title: 'MAY',
        value: ({ permission }) => (permission === 'deny' ? 'deny' : 'allow'),
        paint: ({ permission }, style) => (permission === 'deny' ? style.red : style.green),
      },
      { title: 'OPERATION', value: (acl) => acl.operation },
      { title: 'ON', value: (acl) => acl.resourceType },
      {
        title: 'NAME',
        value: ({ resourceName, patternType }) =>
          patternType === 'prefixed' ? `${resourceName}…` : resourceName,
      },
      { title: 'FROM', value: (acl) => acl.host },
      ...errorColumns(acls),
    ],
    style,
  )
}
