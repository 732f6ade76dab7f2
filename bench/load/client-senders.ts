import { Producer, ProduceAcks } from '@platformatic/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { Meter, type Measured } from '../harness/meter.ts'
import { inOwnProcess } from '../harness/own-process.ts'
import { Coalescer, type Message } from './coalescer.ts'
import { keyAt, valueAt } from './records.ts'

export interface ClientSendersOptions {
  readonly client: 'platformatic' | 'kafkajs'
  readonly brokers: string
  readonly topic: string
  /** Each sends its next record when its last is confirmed, as a request that waits for its answer does. */
  readonly senders: number
  readonly valueBytes: number
  readonly warmup: number
  readonly seconds: number
}

/** Drives a client's own producer, acks=all, through one coalescer that both clients share. */
export const clientSenders = inOwnProcess(
  import.meta,
  async (options: ClientSendersOptions): Promise<Measured> => {
    const { client, brokers, topic, senders, valueBytes, warmup, seconds } = options
    const connect = client === 'kafkajs' ? connectKafkajs : connectPlatformatic
    const coalescer = new Coalescer(await connect(brokers.split(','), topic))
    const messages = Array.from({ length: 4_096 }, (_, i) => ({
      key: Buffer.from(keyAt(i)),
      value: Buffer.from(valueAt(i, valueBytes)),
    }))
    const meter = new Meter()
    let over = false
    const sending = Array.from({ length: senders }, async (_, sender) => {
      for (let i = sender; !over; i += senders) {
        const began = performance.now()
        await coalescer.send(messages[i % messages.length]!)
        meter.count()
        meter.time(performance.now() - began)
      }
    })
    const failure = Promise.all(sending)
    const measured = await Promise.race([meter.measure({ warmup, seconds, pid: process.pid }), failure])
    over = true
    return measured as Measured
  },
)

type Send = (messages: readonly Message[]) => Promise<unknown>

async function connectPlatformatic(bootstrapBrokers: string[], topic: string): Promise<Send> {
  const producer = new Producer({ clientId: 'sluice-bench', bootstrapBrokers, acks: ProduceAcks.ALL })
  return (messages) => producer.send({ messages: messages.map((message) => ({ topic, ...message })) })
}

async function connectKafkajs(brokers: string[], topic: string): Promise<Send> {
  const kafka = new Kafka({ clientId: 'sluice-bench', brokers, logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  return (messages) => producer.send({ topic, acks: -1, messages: [...messages] })
}
