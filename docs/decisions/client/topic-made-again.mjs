// A topic that is deleted and made again under a consumer: its stream says nothing more, and reads nothing of the new topic,
// while its heartbeats go on: the group's partitions are held by a member that does not read.
import { Consumer, ProduceAcks, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { makeTopic, pause, withBrokers } from './kafka.mjs'

const topic = 'again'

await withBrokers(1, async ({ bootstrapBrokers }) => {
  const admin = await makeTopic(bootstrapBrokers, topic, [[1]])
  const send = async (value) => {
    const producer = new Producer({
      ...{ clientId: 'p', bootstrapBrokers, serializers: stringSerializers, acks: ProduceAcks.ALL },
      autocreateTopics: false,
    })
    for (let n = 0; n < 8; n++)
      await producer.send({ messages: [{ topic, partition: 0, value: `${value}${n}` }] })
  }
  await send('old')
  const consumer = new Consumer({
    ...{ clientId: 'c', groupId: 'g', bootstrapBrokers, deserializers: stringDeserializers, retries: true },
  })
  const read = []
  let said = 'nothing'
  let heartbeats = 0
  consumer.on('consumer:heartbeat:end', () => heartbeats++)
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false })
  stream.on('data', ({ value }) => read.push(value))
  stream.on('error', (error) => (said = `an error, ${error.code}`))
  stream.on('close', () => (said = 'that it closed'))
  await pause(3_000)
  await admin.deleteTopics({ topics: [topic] })
  await pause(1_500)
  await makeTopic(bootstrapBrokers, topic, [[1]])
  await send('new')
  heartbeats = 0
  await pause(40_000)
  const isRead = read.filter((value) => value.startsWith('new')).length
  console.log(
    `after 40 s: ${isRead} of 8 new records read, the stream said ${said}, ${heartbeats} heartbeats went out`,
  )
  return isRead < 8
})
