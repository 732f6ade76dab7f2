/** Bytes that are not what Kafka's record format says. */
export class CorruptRecordError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CorruptRecordError'
  }
}
