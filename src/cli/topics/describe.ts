import type { Context } from '../context.ts'
import { configTable } from '../cluster/configs.ts'
import { facts } from '../output/parts.ts'
import { bytesText, countText } from '../output/quantities.ts'
import type { Style } from '../output/style.ts'
import { printable, table } from '../output/table.ts'
import { topicPath } from '../pages.ts'
import { type PartitionDocument, recordCount, type TopicDocument } from './documents.ts'

export async function describeTopics(
  context: Context,
  { configs = false }: { readonly configs?: boolean },
  names: readonly string[],
): Promise<void> {
  const topics: TopicDocument[] = []
  for (const name of names) {
    topics.push((await context.gateway.json<TopicDocument>('GET', topicPath(name))).body)
  }
  // One topic is its document, as the gateway has it; several are a list.
  await context.print(topics.length === 1 ? topics[0] : { topics }, () =>
    topics.map((topic) => describe(topic, configs, context.style)).join('\n'),
  )
}

function describe(topic: TopicDocument, allConfigs: boolean, style: Style): string {
  const { name, id, partitions, replicationFactor, configs } = topic
  const size = partitions.reduce<number | undefined>(
    (sum, { sizeBytes }) =>
      sum === undefined || sizeBytes === undefined || sizeBytes === null ? undefined : sum + sizeBytes,
    0,
  )
  const shown = (configs ?? []).filter((config) => allConfigs || config.source === 'topic')
  const shownConfigs = shown.length === 0 ? '' : `\n${configTable(shown, style)}`
  return (
    `${style.bold(printable(name))}\n` +
    facts([
      ['partitions', partitions.length],
      ['replicas', replicationFactor],
      ['records', `about ${countText(recordCount(topic))}`],
      ['size', bytesText(size)],
      ['id', id],
    ]) +
    `\n${table(partitions, partitionColumns(partitions), style)}${shownConfigs}`
  )
}

function partitionColumns(partitions: readonly PartitionDocument[]) {
  const isBehind = ({ isr, replicas }: PartitionDocument) => isr.length < replicas.length
  const hasSizes = partitions.some(({ sizeBytes }) => sizeBytes !== undefined)
  return [
    { title: 'PARTITION', value: ({ partition }: PartitionDocument) => partition, right: true },
    {
      title: 'LEADER',
      value: ({ leader }: PartitionDocument) => leader ?? 'none',
      right: true,
      paint: ({ leader }: PartitionDocument, style: Style) => (leader === null ? style.red : undefined),
    },
    { title: 'REPLICAS', value: ({ replicas }: PartitionDocument) => replicas.join(',') },
    {
      title: 'IN SYNC',
      value: ({ isr }: PartitionDocument) => isr.join(','),
      paint: (row: PartitionDocument, style: Style) => (isBehind(row) ? style.yellow : undefined),
    },
    { title: 'EARLIEST', value: ({ earliestOffset }: PartitionDocument) => earliestOffset, right: true },
    { title: 'LATEST', value: ({ latestOffset }: PartitionDocument) => latestOffset, right: true },
    ...(hasSizes
      ? [{ title: 'SIZE', value: ({ sizeBytes }: PartitionDocument) => bytesText(sizeBytes), right: true }]
      : []),
  ]
}
