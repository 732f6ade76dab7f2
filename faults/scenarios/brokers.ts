import { leadersOf, preferOthers } from '../witness/witness.ts'
import { fewUnknown } from './few-unknown.ts'
import type { Scenario, Scene } from './scenario.ts'
import { between, coordinator, leader, pick, within } from './targets.ts'

/** Each of them, kill -9, is back after some seconds. */
export async function killBroker(scene: Scene, broker = pick(scene.brokers, scene.random)): Promise<void> {
  const ms = between(1_000, 8_000, scene.random)
  await scene.fault(`broker ${broker.nodeId}: kill -9, back after ${ms} ms`, async () => {
    await broker.kill9()
    await scene.pause(ms)
    await broker.restart()
  })
}

export async function stopBroker(scene: Scene, broker = pick(scene.brokers, scene.random)): Promise<void> {
  await scene.fault(`broker ${broker.nodeId}: stops in order and comes back`, () => broker.restart())
}

export async function pauseBroker(
  scene: Scene,
  broker = pick(scene.brokers, scene.random),
  ms = between(1_000, 8_000, scene.random),
): Promise<void> {
  await scene.fault(`broker ${broker.nodeId}: stands still for ${ms} ms`, async () => {
    broker.pause()
    await scene.pause(ms)
    broker.resume()
  })
}

export const killLeader: Scenario = {
  name: 'kill-leader',
  title: 'the leader of a partition is killed with -9 while it is written to, and started again',
  isShort: true,
  play: async (scene) => killBroker(scene, await leader(scene)),
}

export const stopLeader: Scenario = {
  name: 'stop-leader',
  title: 'the leader of a partition stops in order: at most one record in a hundred is left unknown',
  play: async (scene) => stopBroker(scene, await leader(scene)),
  judge: fewUnknown(0.01),
}

const pauses = [5, 20, 60].map((seconds): Scenario => ({
  name: `pause-leader-${seconds}s`,
  title: `the leader of a partition stands still (SIGSTOP) for ${seconds} s: what it writes late was told unknown`,
  ...(seconds === 5 && { isShort: true }),
  play: async (scene) => pauseBroker(scene, await leader(scene), seconds * 1_000),
}))

/** How long the whole cluster is down, ms. */
const DOWN_MS = 60_000

export const clusterDown: Scenario = {
  name: 'cluster-down',
  title:
    'all brokers are killed and back after 60 s: /readyz says so within 10 s, /healthz goes on, no gateway restarts',
  async play(scene) {
    const { brokers, gateways } = scene
    await scene.fault(`all brokers: kill -9, back after ${DOWN_MS / 1_000} s`, async () => {
      await Promise.all(brokers.map((broker) => broker.kill9()))
      const down = performance.now()
      for (const gateway of gateways) {
        const isSaid = await within(scene, 10_000, async () => !(await gateway.isReady()))
        if (!isSaid) scene.broken(`${gateway.name} is ready 10 s after all brokers were killed`)
        if (!(await gateway.isReady('/healthz'))) scene.broken(`${gateway.name} is not healthy without Kafka`)
      }
      await scene.pause(DOWN_MS - (performance.now() - down))
      await Promise.all(brokers.map((broker) => broker.restart()))
    })
  },
}

export const killCoordinator: Scenario = {
  name: 'kill-coordinator',
  title: 'the broker that coordinates a group is killed with -9: its members go on within 30 s',
  async play(scene) {
    const { crew, run } = scene
    await scene.pause(3_000)
    await killBroker(scene, await coordinator(scene, 'members'))
    const had = () =>
      [...crew.positions]
        .filter(([stream]) => stream.startsWith(`${run}-members `))
        .reduce((all, [, offset]) => all + offset, 0)
    const before = had()
    if (!(await within(scene, 30_000, () => had() > before)))
      scene.broken('the members read nothing for 30 s after their coordinator was back')
  },
}

export const splitLeaders: Scenario = {
  name: 'split-leaders',
  title:
    'batches over partitions whose leaders part as one is killed: each record is answered in time, and there once',
  load: { batch: [4, 10], ndjson: [1, 20], reader: [1, 0] },
  async play(scene) {
    for (let n = 0; n < 2; n++) await killBroker(scene, await leader(scene, n))
  },
}

/** How often every leader moves. */
const MOVES = 6

export const movingLeaders: Scenario = {
  name: 'moving-leaders',
  stage: {
    configs: {
      'leader.imbalance.check.interval.seconds': '1',
      'leader.imbalance.per.broker.percentage': '0',
    },
  },
  title:
    'every partition has another leader every few seconds, by reassignment and election: no broker stops',
  async play(scene) {
    const { bootstrap, topics } = scene
    for (let n = 0; n < MOVES; n++) {
      await scene.fault(`move ${n + 1} of the leaders of every partition`, async () => {
        const before = await leadersOf(bootstrap, topics)
        await preferOthers(bootstrap, topics)
        const isMoved = async () =>
          (await leadersOf(bootstrap, topics)).every((leader, i) => leader !== before[i] && leader >= 0)
        if (!(await within(scene, 20_000, isMoved))) scene.broken('leaders did not move within 20 s')
      })
    }
  },
  judge: fewUnknown(0.01),
}

export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  title: 'the three brokers are restarted in order, one after the other',
  async play(scene) {
    for (const broker of scene.brokers) await stopBroker(scene, broker)
  },
}

export const belowMinIsr: Scenario = {
  name: 'below-min-isr',
  title:
    'one broker of three is left, which is fewer than must have a record: nothing is told written, nothing wrongly not written',
  async play(scene) {
    const [first, second] = scene.brokers
    await scene.fault('brokers 1 and 2: kill -9, back after 15 s', async () => {
      await Promise.all([first!.kill9(), second!.kill9()])
      await scene.pause(15_000)
      await Promise.all([first!.restart(), second!.restart()])
    })
  },
}

export const brokerScenarios: readonly Scenario[] = [
  killLeader,
  stopLeader,
  ...pauses,
  clusterDown,
  killCoordinator,
  splitLeaders,
  movingLeaders,
  rollingRestart,
  belowMinIsr,
]
