import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka'

export interface TestRecord {
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly (readonly [name: Buffer, value: Buffer | null])[]
  /** From the batch's first offset; the record's place in the list where not given. */
  readonly offsetDelta?: number
  /** From the batch's base timestamp, 0 where not given. */
  readonly timestampDelta?: bigint
}

export interface TestBatch {
  readonly baseOffset?: bigint
  readonly lastOffsetDelta?: number
  readonly records?: readonly TestRecord[]
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec?: number
  readonly transactional?: boolean
  /** Makes it a control batch that ends the producer's transaction. */
  readonly control?: 'abort' | 'commit'
  readonly producerId?: bigint
  readonly baseTimestamp?: bigint
  readonly maxTimestamp?: bigint
  readonly logAppendTime?: boolean
  readonly magic?: number
}

function zigzag(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

function sized(bytes: Buffer | null): Buffer {
  return bytes === null ? zigzag(-1n) : Buffer.concat([zigzag(BigInt(bytes.length)), bytes])
}

function makeRecord(record: TestRecord, index: number): Buffer {
  const { key = null, value = null, headers = [] } = record
  const body = Buffer.concat([
    Buffer.of(0),
    zigzag(record.timestampDelta ?? 0n),
    zigzag(BigInt(record.offsetDelta ?? index)),
    sized(key),
    sized(value),
    zigzag(BigInt(headers.length)),
    ...headers.flatMap(([name, value]) => [sized(name), sized(value)]),
  ])
  return sized(body)
}

/** A record batch as KIP-98 describes it, written by nothing that reads or writes batches in the gateway. */
export function makeBatch(batch: TestBatch): Buffer {
  const type = { abort: 0, commit: 1 }
  const { codec = 0, control, baseTimestamp = 1_700_000_000_000n } = batch
  const records = control ? [{ key: Buffer.of(0, 0, 0, type[control]) }] : (batch.records ?? [])
  const plain = Buffer.concat(records.map(makeRecord))
  const payload = codec === 0 ? plain : compressionsAlgorithmsByBitmask[codec]!.compressSync(plain)
  const attributes =
    codec |
    (batch.logAppendTime ? 1 << 3 : 0) |
    (batch.transactional || control ? 1 << 4 : 0) |
    (control ? 1 << 5 : 0)
  const checked = Buffer.alloc(40)
  checked.writeInt16BE(attributes, 0)
  checked.writeInt32BE(batch.lastOffsetDelta ?? records.length - 1, 2)
  checked.writeBigInt64BE(baseTimestamp, 6)
  checked.writeBigInt64BE(batch.maxTimestamp ?? baseTimestamp, 14)
  checked.writeBigInt64BE(batch.producerId ?? -1n, 22)
  checked.writeInt16BE(0, 30)
  checked.writeInt32BE(0, 32)
  checked.writeInt32BE(records.length, 36)
  const header = Buffer.alloc(21)
  header.writeBigInt64BE(batch.baseOffset ?? 0n, 0)
  header.writeInt32BE(9 + checked.length + payload.length, 8)
  header.writeInt32BE(0, 12)
  header.writeInt8(batch.magic ?? 2, 16)
  header.writeUInt32BE(castagnoli(Buffer.concat([checked, payload])), 17)
  return Buffer.concat([header, checked, payload])
}

/** CRC-32C, bit by bit from its polynomial. */
export function castagnoli(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
