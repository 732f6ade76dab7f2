import { type CloudEvent, HTTP, Kafka } from 'cloudevents'
import type { WitnessedRecord } from './read-all.ts'

export type SdkEvent = CloudEvent<unknown>

/** A record as the official SDK understands it. kafkajs gives headers as bytes, which the SDK takes as text alone. */
export function eventOfRecord({ key, value, headers }: WitnessedRecord): SdkEvent {
  const texts = Object.entries(headers ?? {}).map(([name, bytes]) => [name, String(bytes as Buffer)] as const)
  const message = { key: key === null ? undefined : String(key), value, headers: Object.fromEntries(texts) }
  return Kafka.toEvent(message as never) as SdkEvent
}

/** An HTTP body of this type as the official SDK understands it. */
export function eventsOfBody(type: string, body: string): SdkEvent[] {
  return [HTTP.toEvent({ headers: { 'content-type': type }, body })].flat() as SdkEvent[]
}

/** What an event says, without what the SDK has for members that are unset; bytes as base64. */
export function plain(event: SdkEvent): Record<string, unknown> {
  return JSON.parse(JSON.stringify(event)) as Record<string, unknown>
}
