// One send() over two partitions, whose common leader dies so that two others lead them then: it never recovers. Each retry
// writes the part that can be written once more, or none comes through at all; no answer comes within a minute.
import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { makeTopic, pause, withBrokers } from './kafka.mjs'

const topic = 'split'

await withBrokers(3, async ({ bootstrapBrokers, brokers }) => {
  await makeTopic(bootstrapBrokers, topic, [
    [1, 2],
    [1, 3],
  ])
  const producer = new Producer({
    ...{ clientId: 'p', bootstrapBrokers, serializers: stringSerializers, acks: ProduceAcks.ALL },
    ...{ autocreateTopics: false, retries: 1_000, retryDelay: 500 },
  })
  const both = (value) => [0, 1].map((partition) => ({ topic, partition, key: 'k', value }))
  await producer.send({ messages: both('before') })
  await brokers[0].kill9()
  const since = performance.now()
  const answer = await Promise.race([
    producer.send({ messages: both('after') }).then(
      () => 'answered',
      (error) => `failed with ${error.code}`,
    ),
    pause(60_000).then(() => 'no answer'),
  ])
  const seconds = Math.round((performance.now() - since) / 1_000)
  const copies = await copiesOf('after', bootstrapBrokers.slice(1))
  console.log(`${answer} after ${seconds} s; copies in partitions 0 and 1: ${copies.join(', ')}`)
  return answer !== 'answered' || copies.some((count) => count !== 1)
})

/** How often a value is in each partition, by a client that shares no code with this one. */
async function copiesOf(value, addresses) {
  const kafka = new Kafka({ brokers: addresses, logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: 'witness' })
  const copies = [0, 0]
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      if (String(message.value) === value) copies[partition]++
    },
  })
  await pause(15_000)
  return copies
}
