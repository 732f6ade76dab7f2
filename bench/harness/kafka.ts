import { startBroker } from '../../dev/kafka/broker.ts'
import { temporaryFolder } from '../../dev/kafka/temporary-broker.ts'

/** The JVM that `npm start` gives Kafka: the temporary brokers of tests start faster and serve slower. */
const jvm = ['-Xms256m', '-Xmx1g']
/** Gigabytes are written in a run: what is deleted leaves the disk at once, not after a minute. */
const configs = { 'log.segment.delete.delay.ms': '1000' }

/** A real Kafka of this run alone, with nothing in it; removed when stopped or when this process dies. */
export async function startKafka(): Promise<{ readonly bootstrap: string; stop(): Promise<void> }> {
  const folder = temporaryFolder()
  try {
    const broker = await startBroker({ dir: folder.dir, jvm, configs })
    return {
      bootstrap: broker.bootstrap,
      async stop() {
        await broker.kill9()
        folder.remove()
      },
    }
  } catch (error) {
    folder.remove()
    throw error
  }
}
