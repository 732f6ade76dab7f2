import { brokerScenarios } from './brokers.ts'
import { clientScenarios } from './clients.ts'
import { gatewayScenarios } from './gateways.ts'
import { mixedLoad } from './mixed.ts'
import { networkScenarios } from './network.ts'
import { proofScenarios } from './proof.ts'
import { soak } from './random.ts'
import type { Scenario } from './scenario.ts'

/** Every scenario there is, those that go on for long last. */
export const scenarios: readonly Scenario[] = [
  ...brokerScenarios,
  ...networkScenarios,
  ...gatewayScenarios,
  ...clientScenarios,
  ...proofScenarios,
  mixedLoad,
  soak,
]
