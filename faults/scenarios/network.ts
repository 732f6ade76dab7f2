import { END_TXN, type Fault, PRODUCE } from '../../dev/kafka/kafka-proxy.ts'
import type { LineCondition } from '../../dev/kafka/line.ts'
import { leadersOf, makeTopics } from '../witness/witness.ts'
import { call } from '../workers/http.ts'
import type { Scenario, Scene } from './scenario.ts'
import { between, pick, proxyOf } from './targets.ts'

const OFFSET_COMMIT = 8
const FETCH = 1

/** What happens to single exchanges of an API, at every broker, so many times. */
async function meet(scene: Scene, apiKey: number, times: number, faults: readonly Fault[]): Promise<void> {
  for (let n = 0; n < times; n++) {
    const fault = pick(faults, scene.random)
    const name = `API ${apiKey} meets ${JSON.stringify(fault)} at every broker`
    // Not every API is called at every broker.
    await scene.fault(name, async () => {
      const met = scene.proxies.map((proxy) => proxy.meet(apiKey, fault))
      await Promise.race([Promise.any(met), scene.pause(5_000)])
      await scene.pause(between(200, 1_000, scene.random))
      for (const proxy of scene.proxies) proxy.forget()
    })
  }
}

/** What happens to all bytes from and to some brokers, for a while. */
async function suffer(
  scene: Scene,
  condition: LineCondition,
  ms: number,
  nodes: readonly number[],
): Promise<void> {
  const own = nodes.map((node) => scene.proxies[node - 1]!)
  await scene.fault(`brokers ${nodes.join()}: ${JSON.stringify(condition)} for ${ms} ms`, async () => {
    for (const proxy of own) proxy.condition = condition
    await scene.pause(ms)
    for (const proxy of own) proxy.condition = {}
  })
}

const anyPlace = (random: () => number) => between(1, 200, random) * pick([1, -1], random)

export const networkScenarios: readonly Scenario[] = [
  {
    name: 'swallow-produce',
    title: 'a broker writes a batch and its answer never comes: the record is there once, or told unknown',
    isShort: true,
    play: (scene) => meet(scene, PRODUCE, 4, [{ swallow: true }]),
  },
  {
    name: 'swallow-commit',
    title: 'a transaction, or a group’s offsets, are committed and the answer never comes',
    async play(scene) {
      await meet(scene, END_TXN, 2, [{ swallow: true }])
      await meet(scene, OFFSET_COMMIT, 2, [{ swallow: true }])
    },
  },
  {
    name: 'cut-connections',
    title: 'connections are cut in the midst of a produce request, or of its answer',
    isShort: true,
    play: (scene) => {
      const cuts = Array.from({ length: 3 }, (): Fault[] => [
        { requestBytes: anyPlace(scene.random) },
        { responseBytes: between(0, 20, scene.random) },
      ])
      return meet(scene, PRODUCE, 6, cuts.flat())
    },
  },
  {
    name: 'late-answers',
    title: 'answers to produce requests come seconds late, past the deadline too',
    play: (scene) => meet(scene, PRODUCE, 3, [{ delayMs: 2_000 }, { delayMs: 12_000 }]),
  },
  {
    name: 'blackhole',
    title:
      'all bytes from and to one broker vanish for 12 s, without a reset: what goes to the others keeps half its rate',
    async play(scene) {
      const { bootstrap, balancer, run } = scene
      const topic = `${run}-apart`
      await makeTopics(bootstrap, [topic], 6)
      const leaders = await leadersOf(bootstrap, [topic])
      const broker = scene.brokers[leaders[0]! - 1]!
      const proxy = proxyOf(scene, broker)
      // One writer a partition: whoever waits for one keeps none from the others.
      let [written, isOver] = [0, false]
      const writing = leaders.map(async (node, partition) => {
        while (!isOver) {
          const body = { partition, value: 'apart' }
          const answer = await call(`${balancer.url}/v1/topics/${topic}/records`, { method: 'POST', body })
          if (answer?.ok === true && node !== broker.nodeId) written++
          await scene.pause(20)
        }
      })
      /** Records a second in the partitions that others lead. */
      const rate = async (ms: number) => {
        const [before, since] = [written, performance.now()]
        await scene.pause(ms)
        return ((written - before) / (performance.now() - since)) * 1_000
      }
      // The first records of a topic take longer.
      await rate(3_000)
      const usual = await rate(5_000)
      await scene.fault(`broker ${broker.nodeId}: a black hole for 12 s`, async () => {
        proxy.condition = { isBlackhole: true }
        const meanwhile = await rate(12_000)
        proxy.condition = {}
        const text = `${Math.round(meanwhile)} records a second were written to the other brokers, ${Math.round(usual)} before`
        scene.say(text)
        if (meanwhile < usual / 2) scene.broken(text)
      })
      isOver = true
      await Promise.all(writing)
    },
  },
  {
    name: 'slow-line',
    title:
      'every byte comes 500 ± 300 ms late, then 64 KiB a second get through, then pieces of 7 bytes: nothing times out wrongly',
    async play(scene) {
      const all = [1, 2, 3]
      await suffer(scene, { delayMs: 500, jitterMs: 300 }, 8_000, all)
      await suffer(scene, { bytesPerSecond: 65_536 }, 8_000, [between(1, 3, scene.random)])
      await suffer(scene, { sliceBytes: 7 }, 4_000, [between(1, 3, scene.random)])
    },
  },
  {
    name: 'reset-connections',
    title: 'all connections to brokers are reset, or half closed, again and again',
    async play(scene) {
      for (let n = 0; n < 6; n++) {
        const how = n % 2 === 0 ? 'reset' : 'halfClose'
        await scene.fault(`every connection: ${how}`, async () => {
          for (const proxy of scene.proxies) proxy[how]()
          await scene.pause(500)
        })
      }
    },
  },
  {
    name: 'corrupt-bytes',
    title:
      'answers of brokers come with bytes that are not what they were: connections are made again, nothing is taken for true',
    async play(scene) {
      await meet(scene, PRODUCE, 2, [{ flipFrom: 8 }, { flipFrom: 12 }])
      await meet(scene, FETCH, 3, [{ flipFrom: 8 }, { flipFrom: 60 }, { flipFrom: 120 }])
    },
  },
]
