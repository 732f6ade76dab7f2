import { brokerScenarios } from './brokers.ts'
import { testScenarios } from './by-tests.ts'
import { clientScenarios } from './clients.ts'
import { movedClocks } from './clocks.ts'
import { gatewayScenarios } from './gateways.ts'
import { machineScenarios } from './machine.ts'
import { mixedLoad } from './mixed.ts'
import { networkScenarios } from './network.ts'
import { proofScenarios } from './proof.ts'
import { soak } from './random.ts'
import type { Scenario } from './scenario.ts'
import { slowScenarios } from './slow.ts'
import { twoTenants } from './tenants.ts'
import { topicScenarios } from './topics.ts'

/** Every scenario there is, those that go on for long last. */
export const scenarios: readonly Scenario[] = [
  ...brokerScenarios,
  ...networkScenarios,
  ...gatewayScenarios,
  ...clientScenarios,
  twoTenants,
  movedClocks,
  ...slowScenarios,
  ...topicScenarios,
  ...machineScenarios,
  ...testScenarios,
  ...proofScenarios,
  mixedLoad,
  soak,
]
