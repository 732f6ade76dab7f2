import { standard } from './loads.ts'
import type { Scenario } from './scenario.ts'

export const clientScenarios: readonly Scenario[] = [
  {
    name: 'crashing-clients',
    title:
      'clients are killed with -9 in the midst of what they send: it is written or not, never twice, and nothing of theirs stays open',
    async play(scene) {
      for (let n = 0; n < 4; n++) {
        await scene.fault('half of the clients that write: kill -9', () => scene.crew.crash())
        await scene.pause(2_000)
      }
    },
  },
  {
    name: 'vanishing-clients',
    title:
      'clients connect and leave without a word, before their answer comes: nothing of theirs stays open',
    load: { ...standard, guest: [8, 20], admin: [2, 10] },
    play: ({ pause }) => pause(15_000),
  },
  {
    name: 'rebalance-storm',
    title:
      'twenty members of a group come and go, some every second: nothing is passed over, and the group is whole soon after',
    load: { single: [2, 20], batch: [1, 100], storming: [20, 0], comingAndGoing: [2, 0] },
    play: ({ pause }) => pause(25_000),
  },
]
