import { once } from 'node:events'
import { WebSocket } from 'ws'
import { makeTopics } from '../witness/witness.ts'
import { call } from '../workers/http.ts'
import type { Scenario } from './scenario.ts'
import { within } from './targets.ts'

const SLOW = 8
const STALL_MS = 3_000
/** Before each slow reader: more than the systems on the way hold for it, bytes. */
const BACKLOG = 16

const slowReaders: Scenario = {
  name: 'slow-readers',
  title:
    'sockets that take nothing stand beside those that do: these are closed with 4508, the others have everything in time',
  stage: { gatewayEnv: { SLUICE_WS_STALL_MS: String(STALL_MS) } },
  async play(scene) {
    const { balancer, bootstrap, run } = scene
    const topic = `${run}-large`
    await makeTopics(bootstrap, [topic], 3)
    const value = '.'.repeat(50_000)
    const records = Array.from({ length: 20 }, () => ({ value }))
    for (let n = 0; n < BACKLOG; n++) {
      const answer = await call(`${balancer.url}/v1/topics/${topic}/records`, {
        method: 'POST',
        body: { records },
      })
      if (answer?.ok !== true) throw new Error(`${topic} can't be filled: ${answer?.status}`)
    }
    const codes: number[] = []
    const sockets: WebSocket[] = []
    await scene.fault(`${SLOW} sockets take nothing`, async () => {
      for (let n = 0; n < SLOW; n++) {
        const query = `topics=${topic}&from=earliest`
        const socket = new WebSocket(`${balancer.url.replace('http', 'ws')}/v1/ws?${query}`)
        socket.on('error', () => {}).on('close', (code) => codes.push(code))
        sockets.push(socket)
        await once(socket, 'message')
        socket.pause()
      }
      // The gateway loses its patience within a second past the stall, and cuts two seconds later: in between it says why.
      await scene.pause(STALL_MS + 1_500)
      for (const socket of sockets) socket.resume()
      await within(scene, 20_000, () => codes.length === SLOW)
    })
    const others = codes.filter((code) => code !== 4508)
    if (codes.length < SLOW || others.length > 0)
      scene.broken(`of ${SLOW} slow readers ${codes.length} were closed, with ${[...new Set(codes)].join()}`)
    for (const socket of sockets) socket.terminate()
  },
}

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
