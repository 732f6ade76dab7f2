import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { describeWholeCluster } from '../../kafka/admin/cluster/describe-cluster.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { NodeId, NodeIdOrNull, Unanswered } from './node-id.ts'

const Release = z
  .string()
  .nullable()
  .describe('Null where it cannot be told, such as of a release newer than this gateway.')

const timestamp = z.int().nullable()

const QuorumMember = z
  .strictObject({
    node: NodeId,
    directory: z
      .string()
      .nullable()
      .describe(
        'Id of the folder that holds its log (KIP-853); null where the controllers are listed in the configuration.',
      ),
    logEndOffset: z.int(),
    lag: z.int().nonnegative().describe('Records behind the leader.'),
    lastFetchTimestamp: timestamp,
    lastCaughtUpTimestamp: timestamp.describe('When it last had all that the leader had.'),
  })
  .meta({ id: 'QuorumMember' })

const Cluster = z
  .strictObject({
    clusterId: z.string(),
    controller: NodeIdOrNull.describe(
      'The active controller; null while one is being elected, or where the gateway may not know.',
    ),
    brokers: z.int().nonnegative().describe('How many there are, those out of service as well.'),
    kafkaVersion: Release.describe('The newest release whose features every broker that answers has.'),
    metadataVersion: Release.describe('The release whose features are in force (`metadata.version`).'),
    features: z
      .array(
        z
          .strictObject({
            name: z.string(),
            min: z.int(),
            max: z.int(),
            finalized: z.int().nullable().describe('The level in force; null where it is not in use.'),
          })
          .meta({ id: 'ClusterFeature' }),
      )
      .describe('Sorted by name, with the levels that every broker supports which answers (KIP-584).'),
    metadataQuorum: z
      .strictObject({
        leader: NodeId,
        leaderEpoch: z.int(),
        highWatermark: z.int(),
        voters: z.array(QuorumMember).describe('The controllers.'),
        observers: z.array(QuorumMember).describe('The brokers that follow them.'),
      })
      .nullable()
      .describe('Who keeps the metadata log (KIP-595). Null where the gateway may not see it.'),
    unanswered: Unanswered,
  })
  .meta({
    id: 'Cluster',
    example: {
      clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
      controller: 1,
      brokers: 1,
      kafkaVersion: '4.3',
      metadataVersion: '4.3',
      features: [{ name: 'transaction.version', min: 0, max: 2, finalized: 2 }],
      metadataQuorum: {
        leader: 1,
        leaderEpoch: 4,
        highWatermark: 9211,
        voters: [
          {
            node: 1,
            directory: 'VaHEuD0sSgqebg4Kfz9_EA',
            logEndOffset: 9211,
            lag: 0,
            lastFetchTimestamp: 1795466320013,
            lastCaughtUpTimestamp: 1795466320013,
          },
        ],
        observers: [],
      },
      unanswered: [],
    },
  })

const Query = z.strictObject({})

export function registerDescribeCluster(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeCluster',
      access: { cluster: 'describe' },
      method: 'get',
      path: '/v1/cluster',
      tags: ['Cluster'],
      summary: 'Describe the cluster',
      description:
        'Its id, the controller, the features and their levels, and the metadata quorum with how far each member is behind.',
      responses: {
        200: { description: 'The cluster.', content: { 'application/json': { schema: Cluster } } },
        ...problemResponses(...kafkaProblems, 'invalid_parameter', 'not_acceptable'),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const { features, metadataQuorum: quorum, unanswered, ...facts } = await describeWholeCluster(cluster)
      const document: z.input<typeof Cluster> = {
        ...facts,
        features: [...features],
        metadataQuorum: quorum && {
          ...quorum,
          voters: [...quorum.voters],
          observers: [...quorum.observers],
        },
        unanswered: [...unanswered],
      }
      return c.json(document)
    },
  )
}
