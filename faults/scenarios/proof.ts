import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import { checks, type Kind } from '../checker/findings.ts'
import type { Scenario } from './scenario.ts'
import { leader } from './targets.ts'

const everything = Object.keys(checks) as Kind[]

/** Of the single records that go by it, it answers by itself for one in so many, and drops what it has answered for. */
const LIES = 5

/** What a gateway does that answers before Kafka has. */
async function liar(balancerUrl: string, random: () => number) {
  const agent = new Agent({ keepAlive: false })
  const server = createServer((incoming, outgoing) => {
    const isProduce = incoming.method === 'POST' && incoming.url?.endsWith('/records') === true
    if (isProduce && incoming.headers['content-type'] === 'application/json' && random() < 1 / LIES) {
      incoming.resume()
      incoming.on('end', () => {
        outgoing.setHeader('content-type', 'application/json')
        outgoing.end(JSON.stringify({ partition: 0, offset: null, timestamp: Date.now() }))
      })
      return
    }
    const { method, headers, url } = incoming
    const passed = request(balancerUrl + url!, { method, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
      answer.on('error', () => outgoing.destroy())
    })
    passed.on('error', () => outgoing.destroy())
    outgoing.on('close', () => passed.destroy())
    incoming.pipe(passed)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The checker is itself checked: what is broken on purpose is found. */
export const proofScenarios: readonly Scenario[] = [
  {
    name: 'lying-gateway',
    title: 'proof: a gateway that says written before Kafka does, and drops some, is caught',
    isShort: true,
    load: { single: [3, 20], sse: [1, 0] },
    front: liar,
    expected: ['lost'],
    ignored: everything,
    play: ({ pause }) => pause(5_000),
  },
  {
    name: 'lossy-cluster',
    title:
      'proof: a cluster that may lose (acks=1, unclean elections) and loses what only its leader had is caught',
    load: { single: [4, 10], batch: [2, 20] },
    stage: {
      configs: { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' },
      gatewayEnv: { SLUICE_PRODUCE_ACKS: '1' },
    },
    topicConfigs: { 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' },
    expected: ['lost'],
    ignored: everything,
    async play(scene) {
      const { brokers, pause } = scene
      const first = await leader(scene)
      const followers = brokers.filter((broker) => broker !== first)
      await scene.fault(
        `brokers ${followers.map(({ nodeId }) => nodeId).join()} stand still, then broker ${first.nodeId}: kill -9`,
        async () => {
          for (const broker of followers) broker.pause()
          await pause(3_000)
          await first.kill9()
          for (const broker of followers) broker.resume()
          // Until another one leads, and what comes back to it follows.
          await pause(12_000)
          await first.restart()
        },
      )
    },
  },
]
