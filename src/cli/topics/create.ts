import type { Context } from '../context.ts'
import { GatewayError } from '../errors.ts'
import { parseCount, plural } from '../output/quantities.ts'
import { partly } from '../partly.ts'
import { brokerList, nameValues } from './assignments.ts'
import type { TopicDocument } from './documents.ts'

export interface CreateOptions {
  readonly partitions?: string
  readonly replicationFactor?: string
  readonly retention?: string
  readonly cleanup?: string
  readonly config?: readonly string[]
  readonly assignment?: readonly string[]
  readonly ifNotExists?: boolean
  readonly dryRun?: boolean
}

export async function createTopics(
  context: Context,
  options: CreateOptions,
  names: readonly string[],
): Promise<void> {
  const { partitions, replicationFactor, retention, cleanup, config, assignment, ifNotExists, dryRun } =
    options
  const wanted = {
    ...(partitions !== undefined && { partitions: parseCount(partitions, '--partitions', 1) }),
    ...(replicationFactor !== undefined && {
      replicationFactor: parseCount(replicationFactor, '--replication-factor', 1),
    }),
    ...(assignment !== undefined && {
      assignments: assignment.map((text) => brokerList(text, '--assignment')),
    }),
    ...(config !== undefined && { configs: nameValues(config, '--config') }),
    ...(retention !== undefined && { retention }),
    ...(cleanup !== undefined && { cleanup }),
    ...(dryRun === true && { validateOnly: true }),
  }
  const created: unknown[] = []
  const done: string[] = []
  let failure: unknown
  for (const name of names) {
    try {
      const { body } = await context.gateway.json<TopicDocument>('POST', '/v1/topics', {
        body: { name, ...wanted },
      })
      created.push(body)
      if (dryRun !== true) done.push(name)
      const count = Array.isArray(body.partitions) ? body.partitions.length : Number(body.partitions)
      context.say(
        `${dryRun === true ? 'Would create' : 'Created'} ${name}: ${plural(count, 'partition')}, ` +
          `${body.replicationFactor === 1 ? '1 copy' : `${body.replicationFactor} copies`} of each.`,
      )
    } catch (error) {
      if (ifNotExists === true && error instanceof GatewayError && error.problem.code === 'topic_exists') {
        context.say(`${name} is there already.`)
        continue
      }
      if (done.length === 0) throw error
      failure = partly('created', done, error)
      break
    }
  }
  if (context.json)
    await context.print(names.length === 1 ? (created[0] ?? null) : { topics: created }, () => '')
  if (failure !== undefined) throw failure
}
