import { setTimeout as pause } from 'node:timers/promises'
import type { Broker } from '../dev/kafka/broker.ts'
import type { GatewayProcess } from './gateways.ts'

/** What may go wrong, and comes right again. */
export interface Fault {
  readonly name: string
  run(): Promise<void>
}

export interface Targets {
  readonly brokers: readonly Broker[]
  readonly gateways: readonly GatewayProcess[]
  readonly random: () => number
}

type FaultKind = (targets: Targets) => Fault

export const brokerFaults: readonly FaultKind[] = [
  ({ brokers, random }) => {
    const broker = pick(brokers, random)
    const ms = between(1_000, 9_000, random)
    return {
      name: `broker ${broker.nodeId}: kill -9, back after ${ms} ms`,
      async run() {
        await broker.kill9()
        await pause(ms)
        await broker.restart()
      },
    }
  },
  ({ brokers, random }) => {
    const broker = pick(brokers, random)
    const ms = between(1_000, 8_000, random)
    return {
      name: `broker ${broker.nodeId}: stands still for ${ms} ms`,
      async run() {
        broker.pause()
        await pause(ms)
        broker.resume()
      },
    }
  },
  ({ brokers, random }) => {
    const broker = pick(brokers, random)
    return { name: `broker ${broker.nodeId}: stops in order and comes back`, run: () => broker.restart() }
  },
]

export const killGateway: FaultKind = ({ gateways, random }) => {
  const gateway = pick(gateways, random)
  const ms = between(100, 3_000, random)
  return {
    name: `gateway ${gateways.indexOf(gateway) + 1}: kill -9, back after ${ms} ms`,
    async run() {
      await gateway.end('SIGKILL')
      await pause(ms)
      await gateway.run()
    },
  }
}

export const gatewayFaults: readonly FaultKind[] = [
  killGateway,
  ({ gateways, random }) => {
    const gateway = pick(gateways, random)
    const ms = between(500, 6_000, random)
    return {
      name: `gateway ${gateways.indexOf(gateway) + 1}: stands still for ${ms} ms`,
      async run() {
        gateway.signal('SIGSTOP')
        await pause(ms)
        gateway.signal('SIGCONT')
      },
    }
  },
  ({ gateways, random }) => {
    const gateway = pick(gateways, random)
    return {
      name: `gateway ${gateways.indexOf(gateway) + 1}: stops in order and comes back`,
      async run() {
        await gateway.end('SIGTERM')
        await gateway.run()
      },
    }
  },
]

/** An endless list of faults, each kind in turn and in an order that the random numbers decide. */
export function* schedule(
  targets: Targets,
  kinds: readonly FaultKind[] = [...brokerFaults, ...gatewayFaults],
): Generator<Fault> {
  const { random } = targets
  for (;;) {
    const round = kinds.map((kind) => kind(targets))
    while (round.length > 0) yield round.splice(Math.floor(random() * round.length), 1)[0]!
  }
}

export function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)]!
}

export function between(least: number, most: number, random: () => number): number {
  return Math.round(least + random() * (most - least))
}
