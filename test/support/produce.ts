import { compressionsAlgorithms } from '@platformatic/kafka'
import kafkajs, { type Message, type Producer } from 'kafkajs'
import { withAdmin, witness } from './kafka.ts'

const { CompressionTypes, CompressionCodecs } = kafkajs

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof compressions)[number]

// kafkajs has only gzip of its own. The broker checks what the others make of a batch.
for (const name of ['snappy', 'lz4', 'zstd'] as const) {
  CompressionCodecs[CompressionTypes[name.toUpperCase() as 'LZ4']] = () => ({
    compress: async (encoder: { buffer: Buffer }) =>
      compressionsAlgorithms[name].compressSync(encoder.buffer),
    decompress: async (buffer: Buffer) => compressionsAlgorithms[name].decompressSync(buffer),
  })
}

/** Writes records by the witness, as one batch for each partition. */
export async function produce(
  topic: string,
  messages: Message[],
  { compression = 'none', bootstrap }: { compression?: Compression; bootstrap?: string } = {},
): Promise<void> {
  await withProducer((producer) => {
    return producer.send({
      topic,
      messages,
      acks: -1,
      compression: compression === 'none' ? 0 : CompressionTypes[compression.toUpperCase() as 'GZIP'],
    })
  }, bootstrap)
}

/** Runs `use` with a connected kafkajs producer. */
export async function withProducer<T>(
  use: (producer: Producer) => Promise<T>,
  bootstrap?: string,
): Promise<T> {
  const producer = witness(bootstrap).producer()
  await producer.connect()
  try {
    return await use(producer)
  } finally {
    await producer.disconnect()
  }
}

/** Writes records by transactions of one producer, which commit or abort: `[['a', 'commit'], ['b', 'abort']]`. */
export async function transact(
  topic: string,
  transactions: [values: string[], end: 'commit' | 'abort'][],
): Promise<void> {
  const producer = witness().producer({
    transactionalId: `${topic}-tx`,
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
  try {
    for (const [values, end] of transactions) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) })
      await transaction[end]()
    }
  } finally {
    await producer.disconnect()
  }
}

/** Values `v0`, `v1`, ... of `size` bytes for one partition. */
export function numbered(count: number, { partition = 0, from = 0, size = 0 } = {}): Message[] {
  return Array.from({ length: count }, (_, n) => ({ partition, value: `v${from + n}`.padEnd(size, '.') }))
}

/** Removes the records of a topic's first partition below an offset, as retention does. */
export async function removeRecordsBelow(topic: string, offset: number, bootstrap?: string): Promise<void> {
  await withAdmin(async (admin) => {
    // kafkajs looks up the leader only in metadata that it happens to have.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
  }, bootstrap)
}

/** Produces to all partitions, batch after batch, until told to stop. */
export function produceSteadily(producer: Producer, topic: string, partitions: number): () => Promise<void> {
  let stopped = false
  const running = (async () => {
    for (let written = 0; !stopped; written += partitions * 5) {
      const messages = Array.from({ length: partitions * 5 }, (_, n) => {
        return { partition: n % partitions, key: `k${n % partitions}`, value: `${written + n}` }
      })
      await producer.send({ topic, messages })
    }
  })()
  return () => {
    stopped = true
    return running
  }
}
