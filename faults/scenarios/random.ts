import { killBroker, pauseBroker, stopBroker } from './brokers.ts'
import { killGateway, pauseGateway, stopGateway } from './gateways.ts'
import { networkScenarios } from './network.ts'
import type { Scenario, Scene } from './scenario.ts'

const network = (name: string) => networkScenarios.find((scenario) => scenario.name === name)!

const kinds: readonly ((scene: Scene) => Promise<void>)[] = [
  (scene) => killBroker(scene),
  (scene) => stopBroker(scene),
  (scene) => pauseBroker(scene),
  (scene) => killGateway(scene),
  (scene) => stopGateway(scene),
  (scene) => pauseGateway(scene),
  (scene) => network('swallow-produce').play(scene),
  (scene) => network('swallow-commit').play(scene),
  (scene) => network('cut-connections').play(scene),
  (scene) => network('reset-connections').play(scene),
  (scene) => network('slow-line').play(scene),
  (scene) => scene.fault('half of the clients that write: kill -9', () => scene.crew.crash()),
]

/** What `npm run soak` plays: one thing after the other, each kind in turn and in an order that the seed decides. */
export const soak: Scenario = {
  name: 'soak',
  title: 'brokers, gateways, connections and clients fail by turns, for as long as it goes on',
  isLong: true,
  seconds: 1_800,
  async play(scene) {
    const end = performance.now() + scene.ms
    let round: typeof kinds = []
    while (performance.now() < end) {
      if (round.length === 0) round = [...kinds]
      const next = round[Math.floor(scene.random() * round.length)]!
      round = round.filter((kind) => kind !== next)
      await next(scene)
    }
  },
}
