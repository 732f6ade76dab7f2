import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    brokers: string
  }
}

/** One real Kafka for the whole run, on a free port and in a temporary directory; TEST_KAFKA_BROKERS names another to use. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.TEST_KAFKA_BROKERS
  if (given !== undefined) {
    project.provide('brokers', given)
    return undefined
  }
  const { startTemporaryBroker } = await import('../dev/kafka/temporary-broker.ts')
  const broker = await startTemporaryBroker()
  project.provide('brokers', broker.bootstrap)
  return () => broker.stop()
}
