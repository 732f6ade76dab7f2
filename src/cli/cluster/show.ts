import type { Context } from '../context.ts'
import { facts } from '../output/parts.ts'
import { bytesText, parseCount, plural } from '../output/quantities.ts'
import { table } from '../output/table.ts'
import { tellUnanswered } from '../pages.ts'

interface QuorumMember {
  readonly node: number
  readonly lag: number
}

interface ClusterDocument {
  readonly clusterId: string
  readonly controller: number | null
  readonly brokers: number
  readonly kafkaVersion: string | null
  readonly metadataVersion: string | null
  readonly features: readonly {
    readonly name: string
    readonly min: number
    readonly max: number
    readonly finalized: number | null
  }[]
  readonly metadataQuorum: {
    readonly leader: number
    readonly voters: readonly QuorumMember[]
    readonly observers: readonly QuorumMember[]
  } | null
  readonly unanswered?: readonly number[]
}

interface BrokerDocument {
  readonly broker: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly controller: boolean
  readonly fenced: boolean
  readonly answering?: boolean
  readonly kafkaVersion?: string | null
  readonly partitions: number
  readonly leaders: number
  readonly underReplicated: number
}

interface LogDirDocument {
  readonly broker: number
  readonly path: string
  readonly offline?: boolean
  readonly totalBytes: number | null
  readonly usableBytes: number | null
  readonly partitions: readonly { readonly sizeBytes: number }[]
}

export async function showCluster(context: Context): Promise<void> {
  const { body } = await context.gateway.json<ClusterDocument>('GET', '/v1/cluster')
  tellUnanswered(context, body)
  const { metadataQuorum: quorum, features } = body
  const members = (list: readonly QuorumMember[]) =>
    list
      .map(({ node, lag }) => (lag === 0 ? String(node) : `${node} (${plural(lag, 'record')} behind)`))
      .join(', ')
  await context.print(body, () => {
    const shown = facts([
      ['cluster', body.clusterId],
      ['brokers', body.brokers],
      ['controller', body.controller],
      ['Kafka', body.kafkaVersion],
      ['metadata', body.metadataVersion],
      ['quorum leader', quorum?.leader],
      ['voters', quorum && members(quorum.voters)],
      ['observers', quorum && quorum.observers.length > 0 ? members(quorum.observers) : undefined],
    ])
    const levels = table(
      features,
      [
        { title: 'FEATURE', value: ({ name }) => name },
        { title: 'LEVEL', value: ({ finalized }) => finalized, right: true },
        { title: 'POSSIBLE', value: ({ min, max }) => `${min} to ${max}`, right: true },
      ],
      context.style,
    )
    return `${shown}\n${levels}`
  })
}

export async function listBrokers(context: Context): Promise<void> {
  const { body } = await context.gateway.json<{ brokers: readonly BrokerDocument[] }>('GET', '/v1/brokers')
  tellUnanswered(context, body)
  await context.printList(
    body,
    body.brokers,
    [
      { title: 'BROKER', value: ({ broker }) => broker, right: true },
      { title: 'ADDRESS', value: ({ host, port }) => `${host}:${port}` },
      { title: 'RACK', value: ({ rack }) => rack },
      { title: 'KAFKA', value: ({ kafkaVersion }) => kafkaVersion },
      {
        title: 'STATE',
        value: ({ fenced, answering, controller }) =>
          fenced ? 'out of service' : answering === false ? 'no answer' : controller ? 'controller' : 'up',
        paint: ({ fenced, answering }, style) => (fenced || answering === false ? style.red : style.green),
      },
      { title: 'PARTITIONS', value: ({ partitions }) => partitions, right: true },
      { title: 'LEADS', value: ({ leaders }) => leaders, right: true },
      {
        title: 'BEHIND',
        value: ({ underReplicated }) => underReplicated,
        right: true,
        paint: ({ underReplicated }, style) => (underReplicated > 0 ? style.red : undefined),
      },
    ],
    ({ broker }) => String(broker),
  )
}

export async function listLogDirs(
  context: Context,
  { broker, topic }: { readonly broker?: string; readonly topic?: string },
): Promise<void> {
  const path =
    broker === undefined ? '/v1/log-dirs' : `/v1/brokers/${parseCount(broker, '--broker')}/log-dirs`
  const { body } = await context.gateway.json<{ logDirs: readonly LogDirDocument[] }>('GET', path, {
    query: { topic },
  })
  tellUnanswered(context, body)
  const held = ({ partitions }: LogDirDocument) =>
    partitions.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  await context.printList(
    body,
    body.logDirs,
    [
      { title: 'BROKER', value: (dir) => dir.broker, right: true },
      { title: 'FOLDER', value: ({ path: folder }) => folder },
      { title: 'REPLICAS', value: ({ partitions }) => partitions.length, right: true },
      { title: topic === undefined ? 'HOLDS' : 'OF IT', value: (dir) => bytesText(held(dir)), right: true },
      { title: 'FREE', value: ({ usableBytes }) => bytesText(usableBytes), right: true },
      { title: 'OF', value: ({ totalBytes }) => bytesText(totalBytes), right: true },
      {
        title: 'STATE',
        value: ({ offline }) => (offline === true ? 'failed' : 'ok'),
        paint: ({ offline }, style) => (offline === true ? style.red : style.green),
      },
    ],
    (dir) => `${dir.broker}:${dir.path}`,
  )
}
