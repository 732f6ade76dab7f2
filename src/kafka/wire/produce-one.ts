import { createAPI, Writer } from '@platformatic/kafka'
import { family } from './apis.ts'
import { type ProducePart, type ProduceResult, readResult } from './produce.ts'

/** One batch for one partition of the very topic that has this id. */
export interface IdentifiedPart extends ProducePart {
  readonly topicId: string
}

const BY_ID = 13

function writeOne(version: number, part: IdentifiedPart, timeoutMs: number): Writer {
  const { topic, topicId, partition, batch } = part
  return Writer.create()
    .appendString(null)
    .appendInt16(-1)
    .appendInt32(timeoutMs)
    .appendArray([part], (w) => {
      if (version >= BY_ID) w.appendUUID(topicId)
      else w.appendString(topic)
      w.appendArray([partition], (w) => {
        w.appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch)
      })
    })
    .appendTaggedFields()
}

/**
 * Produce of one batch to all in-sync replicas. Version 13 names the topic by its id (KIP-516), so that one made again
 * under the name never gets it; an older broker takes it by name.
 */
export const produceOne = family<[part: IdentifiedPart, timeoutMs: number], ProduceResult>(
  ...[13, 12, 11, 10, 9].map((version) => ({
    api: createAPI(
      0,
      version,
      (part: IdentifiedPart, timeoutMs: number) => writeOne(version, part, timeoutMs),
      (_correlationId, _key, _version, reader) => {
        const topics = reader.readArray((r) => {
          if (version >= BY_ID) r.readUUID()
          else r.readString()
          return r.readArray(readResult)
        })
        return topics[0]![0]!
      },
    ),
  })),
)
