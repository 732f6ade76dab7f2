import type { IncomingMessage } from 'node:http'
import { Problem } from '../../problems/problem.ts'
import type { RecordHeader } from '../../records/record.ts'

const PREFIX = 'kafka-header-'

/** The record headers that `Kafka-Header-NAME` headers ask for, in order. */
export function kafkaHeaders({ rawHeaders }: IncomingMessage): RecordHeader[] {
  const headers: RecordHeader[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length <= PREFIX.length || name.slice(0, PREFIX.length).toLowerCase() !== PREFIX) continue
    headers.push({ name: bytesOf(name.slice(PREFIX.length)), value: bytesOf(rawHeaders[i + 1]!) })
  }
  return headers
}

/**
 * Records in JSON have their headers in them: one beside them would be lost without a word.
 * @throws Problem invalid_headers
 */
export function refuseKafkaHeaders({ headers }: IncomingMessage): void {
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue
    const reason = 'a record in JSON has its headers in its own `headers`'
    throw new Problem('invalid_headers', {
      detail: `${name}: ${reason}.`,
      errors: [{ parameter: name, reason }],
    })
  }
}

/** Request headers kept as record headers under these names, each as often as it was sent. */
export function keptHeaders({ headersDistinct }: IncomingMessage, names: readonly string[]): RecordHeader[] {
  return names.flatMap((name) =>
    (headersDistinct[name.toLowerCase()] ?? []).map((value) => {
      return { name: bytesOf(name), value: bytesOf(value) }
    }),
  )
}

/** Node hands header values over as Latin-1: turning them back gives the bytes that were sent. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
