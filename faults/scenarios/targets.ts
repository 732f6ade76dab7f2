import type { Broker } from '../../dev/kafka/broker.ts'
import type { KafkaProxy } from '../../dev/kafka/kafka-proxy.ts'
import type { GatewayProcess } from '../stage/gateways.ts'
import { coordinatorOf, leaderOf } from '../witness/witness.ts'
import type { Scene } from './scenario.ts'

/** The broker that leads a partition of the first topic. */
export async function leader({ bootstrap, brokers, topics }: Scene, partition = 0): Promise<Broker> {
  return brokers[(await leaderOf(bootstrap, topics[0]!, partition)) - 1]!
}

/** The broker that coordinates one of the run's groups. */
export async function coordinator({ bootstrap, brokers, run }: Scene, group: string): Promise<Broker> {
  return brokers[(await coordinatorOf(bootstrap, `${run}-${group}`)) - 1]!
}

export function proxyOf({ proxies }: Scene, { nodeId }: Broker): KafkaProxy {
  return proxies[nodeId - 1]!
}

export function anyGateway({ gateways, random }: Scene): GatewayProcess {
  return pick(gateways, random)
}

export function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)]!
}

/** A whole number from the one to the other. */
export function between(least: number, most: number, random: () => number): number {
  return Math.round(least + random() * (most - least))
}

/** Waits until something is so. Whether it was, in time. */
export async function within(
  { pause }: Pick<Scene, 'pause'>,
  ms: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const deadline = performance.now() + ms
  while (!(await isSo())) {
    if (performance.now() > deadline) return false
    await pause(100)
  }
  return true
}
