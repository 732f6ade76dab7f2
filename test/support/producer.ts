import type { HttpAnswer, HttpClient } from './http.ts'

/** What a PUT answers when the records are in the log. */
export interface ProducedOnce {
  readonly partition: number
  readonly offset: number
  readonly timestamp?: number
  readonly nextSequence: number
  readonly duplicate: boolean
}

/** An exactly-once producer of a test; `at` a replica, by its client. */
export class TestProducer {
  readonly topic: string
  readonly producer: string
  readonly partition: number

  private constructor(topic: string, opened: { producer: string; partition: number }) {
    this.topic = topic
    this.producer = opened.producer
    this.partition = opened.partition
  }

  static async open(at: HttpClient, topic: string, partition?: number): Promise<TestProducer> {
    const answer = await at.post(
      `/v1/topics/${topic}/producers`,
      partition === undefined ? {} : { partition },
    )
    if (answer.status !== 201) throw new Error(`no producer: ${answer.text}`)
    return new TestProducer(topic, answer.json as { producer: string; partition: number })
  }

  path(sequence: number | string): string {
    return `/v1/topics/${this.topic}/producers/${this.producer}/records/${sequence}`
  }

  put(at: HttpClient, sequence: number, body: unknown): Promise<HttpAnswer> {
    return at.put(this.path(sequence), body)
  }
}
