import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import { TopicDefaults } from './config/topic-defaults.ts'
import type { Cluster } from './kafka/cluster.ts'
import type { ExactlyOnceWriter } from './kafka/producers/exactly-once-writer.ts'
import { createBatchSender, createExactlyOnceWriter } from './kafka/producers/exactly-once-writer.ts'
import { SecretStore } from './kafka/secret-store.ts'
import { Transactions } from './kafka/transactions/transactions.ts'
import { TopicWriter } from './kafka/writer/topic-writer.ts'

/** What asks Kafka, as one principal of its. */
export interface Backend {
  readonly cluster: Cluster
  readonly writer: TopicWriter
  readonly transactions: Transactions
  readonly producers: ExactlyOnceWriter
  readonly secrets: SecretStore
}

/** Makes what asks Kafka by a cluster's connections, which are those of its principal. Nothing of it is asked yet. */
export function createBackend(
  cluster: Cluster,
  { produce, limits, secret }: Pick<Config, 'produce' | 'limits' | 'secret'>,
  log: Logger,
): Backend {
  const defaults = new TopicDefaults(produce.defaults, produce.topics)
  const { timeoutMs } = defaults.general
  const sender = createBatchSender(cluster, timeoutMs)
  const secrets = new SecretStore(cluster, sender, secret, timeoutMs, log)
  return {
    cluster,
    secrets,
    writer: new TopicWriter(cluster, defaults, log),
    transactions: new Transactions(
      cluster,
      {
        timeoutMs: limits.produceTimeoutMs,
        limit: limits.maxTransactions,
        codecOf: (topic) => defaults.of(topic).compression,
      },
      log,
    ),
    producers: createExactlyOnceWriter(cluster, sender, secrets, defaults, log),
  }
}

/** Ends it in order: records that wait are given their outcome, transactions are ended, then the connections. */
export async function closeBackend({ cluster, writer, transactions }: Backend): Promise<void> {
  writer.close()
  await transactions.close()
  await cluster.close()
}
