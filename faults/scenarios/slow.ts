import type { Scenario } from './scenario.ts'
import { slowReaders } from './slow-readers.ts'

const halfOpen: Scenario = {
  name: 'half-open-clients',
  title:
    'clients stand still with their connections open: their places in groups are others’ soon, and what they held is freed',
  stage: {
    gatewayEnv: { SLUICE_WS_PING_MS: '2000', SLUICE_WS_STALL_MS: '3000', SLUICE_SSE_HEARTBEAT_MS: '2000' },
  },
  async play(scene) {
    await scene.fault('half of the clients that read stand still for 12 s', async () => {
      scene.crew.signal('readers1', 'SIGSTOP')
      await scene.pause(12_000)
      scene.crew.signal('readers1', 'SIGCONT')
    })
  },
}

export const slowScenarios: readonly Scenario[] = [slowReaders, halfOpen]
