// A send() has no deadline: while a broker stands still with its connections open, the promise stays open, for as long as that
// lasts. Nothing can be told to whoever waits for it.
import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { makeTopic, pause, withBrokers } from './kafka.mjs'

const topic = 'still'
const STILL_MS = 45_000

await withBrokers(1, async ({ bootstrapBrokers, brokers }) => {
  await makeTopic(bootstrapBrokers, topic, [[1]])
  const producer = new Producer({
    ...{ clientId: 'p', bootstrapBrokers, serializers: stringSerializers, acks: ProduceAcks.ALL },
    ...{ autocreateTopics: false, timeout: 5_000 },
  })
  const send = (value) => producer.send({ messages: [{ topic, partition: 0, value }] })
  await send('before')
  brokers[0].pause()
  const since = performance.now()
  const answered = send('while it stands still').then(
    () => performance.now() - since,
    () => performance.now() - since,
  )
  const ms = await Promise.race([answered, pause(STILL_MS)])
  brokers[0].resume()
  const said =
    ms === undefined ? `nothing within ${STILL_MS / 1_000} s` : `an answer after ${Math.round(ms)} ms`
  console.log(`with a timeout of 5 s, a send() to a broker that stands still has ${said}`)
  return ms === undefined || ms > 10_000
})
