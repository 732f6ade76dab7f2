import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import type { ApiFamily } from '../broker-connection.ts'

/** What a partition's leader remembers of a producer (Kafka's `ProducerStateEntry`). */
export interface ActiveProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Of the last record it wrote here. */
  readonly lastSequence: number
  /** The newest timestamp of its last batch, milliseconds: the broker counts its idle time from then. */
  readonly lastTimestamp: number
}

export interface ActiveProducersAnswer {
  readonly errorCode: number
  readonly producers: ActiveProducer[]
}

const DESCRIBE_PRODUCERS = 61

function writeDescribe(topic: string, partition: number): Writer {
  return Writer.create()
    .appendArray([topic], (w, name) => {
      w.appendString(name).appendArray([partition], (w, p) => w.appendInt32(p), true, false)
    })
    .appendTaggedFields()
}

function readDescribe(_correlationId: number, _key: number, _version: number, reader: Reader) {
  reader.readInt32() // throttle time
  const topics = reader.readArray((r) => {
    r.readString()
    return r.readArray((r) => {
      r.readInt32()
      const errorCode = r.readInt16()
      r.readNullableString()
      return { errorCode, producers: r.readArray(readProducer) }
    })
  })
  return topics[0]![0]!
}

function readProducer(r: Reader): ActiveProducer {
  const producer = {
    producerId: r.readInt64(),
    producerEpoch: r.readInt32(),
    lastSequence: r.readInt32(),
    lastTimestamp: Number(r.readInt64()),
  }
  r.readInt32() // coordinator epoch
  r.readInt64() // start of the open transaction
  return producer
}

/** DescribeProducers (KIP-664) of one partition, at its leader. Arguments: topic, partition. */
export const describeProducers: ApiFamily<[topic: string, partition: number], ActiveProducersAnswer> = {
  key: DESCRIBE_PRODUCERS,
  versions: [createAPI(DESCRIBE_PRODUCERS, 0, writeDescribe, readDescribe)],
}
