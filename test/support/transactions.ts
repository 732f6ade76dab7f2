import { updateFeaturesV1 } from '@platformatic/kafka'
import { vi } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import { family } from '../../src/kafka/wire/apis.ts'
import type { HttpAnswer, HttpClient } from './http.ts'
import { uniqueName } from './kafka.ts'
import { type WitnessedRecord, readAll } from './read-all.ts'

export interface TransactionAnswer {
  readonly transaction: string
  readonly state: 'committed' | 'aborted' | 'unknown' | 'ongoing'
  readonly results: { topic: string; partition: number; offset: number; timestamp: number }[]
}

/** A transaction of these members; what it answers is held against openapi.yaml. */
export function transact(
  client: HttpClient,
  body: Record<string, unknown>,
): Promise<HttpAnswer & { json: TransactionAnswer }> {
  return client.post('/v1/transactions', body) as Promise<HttpAnswer & { json: TransactionAnswer }>
}

/** What a read_committed reader sees of a topic once it is `count` records: a moment after a commit, when markers are written. */
export function readCommitted(topic: string, count: number): Promise<WitnessedRecord[]> {
  const all = async () => {
    const records = await readAll(topic)
    return records.length >= count && records
  }
  return vi.waitUntil(all, { timeout: 20_000, interval: 50 })
}

/**
 * The values in a topic of one partition as a read_committed kafkajs consumer sees them. A plain record is written
 * after them, so that the witness has an end to read to: what is still open before it holds it up.
 */
export async function committedValues(
  client: HttpClient,
  topic: string,
  bootstrap?: string,
): Promise<string[]> {
  const value = uniqueName('END')
  const written = await client.post(`/v1/topics/${topic}/records`, { value, partition: 0 })
  if (written.status !== 200) throw new Error(written.text)
  const seen = await vi.waitUntil(
    async () => {
      const values = (await readAll(topic, bootstrap)).map(text)
      return values.includes(value) && values
    },
    { timeout: 20_000, interval: 50 },
  )
  return seen.filter((one) => !one.startsWith('END-'))
}

/** The values in a topic as a consumer sees them that doesn't ask what became of them. */
export async function allValues(topic: string, bootstrap?: string): Promise<string[]> {
  return (await readAll(topic, bootstrap, { readUncommitted: true }))
    .map(text)
    .filter((v) => !v.startsWith('END-'))
}

function text({ value }: WitnessedRecord): string {
  return String(value)
}

const updateFeatures = family<
  [
    timeoutMs: number,
    updates: { feature: string; maxVersionLevel: number; upgradeType: number }[],
    validateOnly: boolean,
  ],
  { errorCode: number; results: { errorCode: number }[] }
>(updateFeaturesV1)
const UPGRADE = 1
const SAFE_DOWNGRADE = 2

/** Has a Kafka do transactions as KIP-890 has them (2), or as before (0). */
export async function setTransactionVersion(bootstrap: string, level: 0 | 2): Promise<void> {
  const cluster = new Cluster(loadConfig({ KAFKA_BROKERS: bootstrap }).kafka)
  try {
    await cluster.ping()
    const connection = await cluster.control(cluster.controllerId)
    if (connection.transactionVersion === level) return
    const upgradeType = level === 2 ? UPGRADE : SAFE_DOWNGRADE
    const update = { feature: 'transaction.version', maxVersionLevel: level, upgradeType }
    const { errorCode } = await connection.call(updateFeatures, 10_000, [update], false)
    if (errorCode !== 0) throw new Error(`UpdateFeatures: error ${errorCode}`)
  } finally {
    await cluster.close()
  }
}
