import { Admin } from '@platformatic/kafka'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { brokers, makeTopic } from '../../support/kafka.ts'
import { readAll } from '../../support/read-all.ts'

const records = Array.from({ length: 500 }, (_, n) => ({
  key: `k${n % 7}`,
  value: JSON.stringify({ n, text: 'same '.repeat(40) }),
}))

async function write(gateway: { url: string }, topic: string): Promise<void> {
  const answer = await http(gateway).post(`/v1/topics/${topic}/records`, { records })
  expect(answer.status).toBe(200)
}

async function sizeOnDisk(topic: string): Promise<number> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers().split(',') })
  onTestFinished(() => admin.close())
  const answers = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] })
  const partitions = answers
    .flatMap(({ results }) => results)
    .flatMap(({ topics }) => topics)
    .flatMap((found) => found.partitions)
  return partitions.reduce((sum, { partitionSize }) => sum + Number(partitionSize), 0)
}

describe('compression', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'])(
    'by %s makes what is stored smaller, and the broker itself unfolds it, byte for byte',
    async (codec) => {
      // The broker undoes the gateway's compression before it stores the batches of a topic that has none.
      const unfolded = await makeTopic({ configs: { 'compression.type': 'uncompressed' } })
      const stored = await makeTopic()
      const gateway = await startTestGateway({ SLUICE_PRODUCE_COMPRESSION: codec })
      await write(gateway, unfolded)
      await write(gateway, stored)
      const read = await readAll(unfolded)
      expect(read.map(({ key, value }) => ({ key: String(key), value: String(value) }))).toEqual(records)
      expect(await sizeOnDisk(stored)).toBeLessThan((await sizeOnDisk(unfolded)) / 3)
    },
  )

  it('is that of the first rule that fits the topic', async () => {
    const [plain, packed] = [await makeTopic(), await makeTopic()]
    const rules = `${packed.slice(0, -1)}*: compression=zstd; ${packed}: compression=none`
    const gateway = await startTestGateway({ SLUICE_TOPIC_DEFAULTS: rules })
    await write(gateway, plain)
    await write(gateway, packed)
    expect(await sizeOnDisk(packed)).toBeLessThan((await sizeOnDisk(plain)) / 3)
  })
})
