import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { startReassignments } from '../../kafka/admin/reassignments/start-reassignments.ts'
import { MAX_PARTITIONS, type ReassignmentRequest } from '../../kafka/admin/reassignments/wanted-replicas.ts'
import { Problem } from '../../problems/problem.ts'
import { readJson } from '../body.ts'
import { NodeId } from '../cluster/node-id.ts'
import { answerEach } from '../results.ts'
import {
  addRoute,
  type App,
  checkBody,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
} from '../route.ts'
import { PartitionNumber, Step, toItems } from './reassignment-schemas.ts'

/** Most brokers that hold one partition, or that a plan may use. */
const MAX_BROKERS = 1_000

const brokerList = z.array(NodeId).min(1).max(MAX_BROKERS)

const NewReassignment = z
  .strictObject({
    assignments: z
      .array(
        z
          .strictObject({
            topic: TopicName,
            partition: PartitionNumber,
            replicas: brokerList.describe('Node ids of different brokers, the preferred leader first.'),
          })
          .meta({ id: 'Assignment' }),
      )
      .min(1)
      .max(MAX_PARTITIONS)
      .optional()
      .describe('Where the replicas of each partition shall be. Instead of `topics`.'),
    topics: z
      .array(TopicName)
      .min(1)
      .max(MAX_PARTITIONS)
      .optional()
      .describe(
        `Topics to place anew, with at most ${MAX_PARTITIONS} partitions: evenly, spread over racks where every broker has one, copying as little as that needs.`,
      ),
    brokers: brokerList
      .optional()
      .describe('With `topics`: the brokers that may hold them; all in service by default.'),
    replicationFactor: z
      .int()
      .min(1)
      .max(32_767)
      .optional()
      .describe('With `topics`: how many replicas each partition gets; as many as it has by default.'),
    throttleBytesPerSecond: z
      .int()
      .min(1)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe(
        'The most that each broker sends, and takes, of what is copied. It stays set until `DELETE /v1/reassignments/throttle`.',
      ),
    dryRun: z.boolean().default(false).describe('Only say what would be moved. Nothing is.'),
  })
  .meta({ id: 'NewReassignment', example: { topics: ['orders'], brokers: [1, 2, 3], dryRun: true } })

const StartedReassignments = z
  .strictObject({
    results: z.array(Step).describe('Each partition; `to` is `from` where it is in place already.'),
    dryRun: z.boolean(),
  })
  .meta({
    id: 'StartedReassignments',
    example: { results: [{ topic: 'orders', partition: 0, from: [1, 2], to: [3, 2] }], dryRun: false },
  })

const content = { 'application/json': { schema: StartedReassignments } }

export function registerStartReassignments(app: App, deps: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'startReassignments',
      access: { cluster: 'admin' },
      method: 'post',
      path: '/v1/reassignments',
      tags: ['Cluster'],
      summary: 'Move replicas to other brokers',
      description:
        'For partitions one by one (`assignments`), or for whole `topics`, planned here. All is checked before anything is begun. ' +
        'Answers when the copying has begun; `GET /v1/reassignments` follows it. Safe to repeat: what is in place or on its way there stays so.',
      request: { body: { required: true, content: { 'application/json': { schema: NewReassignment } } } },
      responses: {
        200: { description: 'All is in place already, or this was a dry run.', content },
        202: { description: 'It has begun.', content },
        207: { description: 'It has begun but for those with an `error`, which Kafka refused.', content },
        ...problemResponses(
          ...kafkaProblems,
          ...jsonBodyProblems,
          'internal_topic',
          'topic_not_found',
          'partition_not_found',
          'reassignment_in_progress',
          'not_acceptable',
          'invalid_parameter',
          'invalid_assignment',
          'invalid_topic_config',
          'policy_violation',
          'broker_unavailable',
        ),
      },
    },
    async (c) => {
      parseQuery(z.strictObject({}), c)
      const body = checkBody(NewReassignment, await readJson(c, deps.config.limits))
      const { dryRun, throttleBytesPerSecond } = body
      const { steps, changes } = await startReassignments(deps.cluster, toRequest(body), {
        dryRun,
        throttleBytesPerSecond,
      })
      return answerEach(c, toItems(steps), { dryRun }, changes && !dryRun ? 202 : 200)
    },
  )
}

/** @throws Problem invalid_request */
function toRequest(body: z.output<typeof NewReassignment>): ReassignmentRequest {
  const { assignments, topics, brokers, replicationFactor } = body
  if (assignments === undefined && topics === undefined) {
    throw invalid('', 'give assignments, or topics to be planned')
  }
  if (topics !== undefined && assignments === undefined) return { topics, brokers, replicationFactor }
  const other = Object.entries({ topics, brokers, replicationFactor }).find(
    ([, value]) => value !== undefined,
  )
  if (other !== undefined) throw invalid(`/${other[0]}`, 'this does not go with assignments')
  return { assignments: assignments! }
}

function invalid(pointer: string, reason: string): Problem {
  const detail = `${pointer === '' ? 'The body' : pointer}: ${reason}.`
  return new Problem('invalid_request', { detail, errors: [{ pointer, reason }] })
}
