import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { listLogDirs } from '../../kafka/admin/cluster/log-dirs.ts'
import { addRoute, type App, kafkaProblems, problemResponses } from '../route.ts'
import { exampleLogDir, LogDir, Query, toLogDirDocuments, topicOf } from './log-dir-document.ts'
import { Unanswered } from './node-id.ts'

const LogDirList = z
  .strictObject({ logDirs: z.array(LogDir), unanswered: Unanswered })
  .meta({ id: 'LogDirList', example: { logDirs: [exampleLogDir], unanswered: [] } })

export function registerListLogDirs(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listLogDirs',
      access: { cluster: 'describe' },
      method: 'get',
      path: '/v1/log-dirs',
      tags: ['Cluster'],
      summary: 'List the log folders of all brokers',
      description:
        'Where each broker keeps its replicas, how large they are and how full the disks are, by broker and path. A broker that is stopped holds nothing up: it is named in `unanswered`.',
      request: { query: Query },
      responses: {
        200: { description: 'The folders.', content: { 'application/json': { schema: LogDirList } } },
        ...problemResponses(
          ...kafkaProblems,
          'topic_not_found',
          'internal_topic',
          'invalid_parameter',
          'not_acceptable',
        ),
      },
    },
    async (c) => {
      const { logDirs, unanswered } = await listLogDirs(cluster, topicOf(c))
      const document: z.input<typeof LogDirList> = {
        logDirs: toLogDirDocuments(logDirs),
        unanswered: [...unanswered],
      }
      return c.json(document)
    },
  )
}
