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

/** Statuses after which the same PUT is sent again. */
const again = new Set([502, 503, 504])

/**
 * Sends one PUT until it is answered for good, each time at a replica of the test's choice, as a client does that wants
 * its records written whatever happens. @throws where that takes too long
 */
export async function putUntilAnswered(
  producer: TestProducer,
  replica: (n: number) => HttpClient,
  sequence: number,
  body: unknown,
  ms = 60_000,
): Promise<HttpAnswer> {
  const end = performance.now() + ms
  for (let n = 0; ; n++) {
    const answer = await producer.put(replica(n), sequence, body).catch((error: unknown) => {
      // The connection was cut, or refused.
      if (error instanceof TypeError) return undefined
      throw error
    })
    if (answer !== undefined && !again.has(answer.status)) return answer
    if (performance.now() > end) throw new Error(`not answered in ${ms} ms: ${answer?.text}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
