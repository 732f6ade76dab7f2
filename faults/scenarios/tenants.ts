import { accessEnv } from '../stage/access.ts'
import { makeTopics } from '../witness/witness.ts'
import { SPY_TOPIC } from '../workers/clients/spy.ts'
import { killGateway } from './gateways.ts'
import { standard } from './loads.ts'
import type { Scenario } from './scenario.ts'

export const twoTenants: Scenario = {
  name: 'two-tenants',
  title:
    'one who may not asks for records in every way, by keys and rules, as gateways are killed with -9: it has none of them',
  load: { ...standard, spy: [2, 50] },
  holder: 'tenant',
  strangers: { spy: 'spy' },
  stage: { gatewayEnvOf: (_, folder) => accessEnv(folder) },
  async play(scene) {
    await makeTopics(scene.bootstrap, [SPY_TOPIC], 1)
    await scene.pause(3_000)
    for (let n = 0; n < 2; n++) await killGateway(scene, scene.gateways[n]!)
    await scene.pause(3_000)
  },
}
