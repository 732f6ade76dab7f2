import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import { Deadline } from '../deadline.ts'
import { POLL_MS, SETTLE_MS } from './timeouts.ts'

/**
 * Waits until every broker that answers has heard of a change: the controller makes it, and they learn of it one after
 * the other, milliseconds later as a rule. Bounded, and never an error.
 */
export async function untilHeard(
  cluster: Cluster,
  hasHeard: (connection: BrokerConnection) => Promise<boolean>,
): Promise<void> {
  const deadline = new Deadline(SETTLE_MS)
  await Promise.all(
    [...cluster.brokers.keys()].map(async (node) => {
      try {
        while (!deadline.passed) {
          const connection = await deadline.within(cluster.control(node))
          if (await deadline.within(hasHeard(connection))) return
          await deadline.pause(POLL_MS)
        }
      } catch {
        // Gone, or too slow: it reads what it missed when it is back.
      }
    }),
  )
}
