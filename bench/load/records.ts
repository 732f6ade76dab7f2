/** Bytes of a record's value, unless a benchmark says otherwise. */
export const VALUE_BYTES = 100

/** The i-th key: some ten thousand of them, in no order, so that partitions share the load. */
export function keyAt(i: number): string {
  return `user-${(i * 7_919) % 10_007}`
}

/** The i-th value, the text of a JSON object of exactly that many bytes (100 at least); the same in every process. */
export function valueAt(i: number, bytes = VALUE_BYTES): string {
  const head = `{"id":${i},"type":"order.paid","amount":${(i % 9_000) + 0.25},"lines":[1,2,3],"note":"`
  return `${head}${'abcdefghij'.repeat(Math.ceil(bytes / 10)).slice(0, bytes - head.length - 2)}"}`
}

/** The i-th record as a body of the produce route. */
export function recordJson(i: number, valueBytes?: number): string {
  return `{"key":"${keyAt(i)}","value":${valueAt(i, valueBytes)}}`
}

/** The i-th batch of `size` records as a body of the produce route. */
export function batchJson(i: number, size: number): string {
  const records = Array.from({ length: size }, (_, n) => recordJson(i * size + n))
  return `{"records":[${records.join(',')}]}`
}
