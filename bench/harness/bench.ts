import type { Cleanup } from './cleanup.ts'
import { type GatewayProcess, startGateway } from './gateway.ts'
import type { BenchOptions } from './options.ts'
import type { Row } from './row.ts'
import type { Topics } from './topics.ts'

/** What a benchmark is given. */
export interface Bench {
  readonly options: BenchOptions
  /** `host:port` of Kafka, several separated by commas. */
  readonly brokers: string
  readonly topics: Topics
  readonly cleanup: Cleanup
  /** Says what is being done now. */
  readonly progress: (text: string) => void
}

export type Benchmark = (bench: Bench) => Promise<Row[]>

/** Seconds of load before each measured stretch: connections open and code is compiled in it. */
export const WARMUP = 2

/** Gives `use` a gateway that nothing has been asked of yet, and stops it. */
export async function withGateway<T>(
  { brokers }: Bench,
  use: (gateway: GatewayProcess) => Promise<T>,
  root?: string,
): Promise<T> {
  const gateway = await startGateway(brokers, root)
  try {
    return await use(gateway)
  } finally {
    await gateway.stop()
  }
}
