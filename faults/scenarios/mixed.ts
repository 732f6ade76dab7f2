import { mixed } from './loads.ts'
import type { Scenario } from './scenario.ts'

export const mixedLoad: Scenario = {
  name: 'mixed',
  title:
    'nothing fails; clients of every kind write, read, ask, come and go all the time; memory and handles stay what they are',
  load: mixed,
  isLong: true,
  seconds: 1_800,
  play: ({ pause, ms }) => pause(ms),
}
