import { describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { numbered, produce } from '../../support/produce.ts'

describe('GET /v1/topics/{topic}/records in trouble', { timeout: 90_000 }, () => {
  it('503s in time while the broker stands still or is down, and reads on when it is back', async () => {
    const { broker, bootstrap, stop } = await startTemporaryBroker()
    onTestFinished(stop)
    const topic = await makeTopic({}, bootstrap)
    await produce(topic, numbered(2), { bootstrap })
    const { get } = http(await startTestGateway({ KAFKA_BROKERS: bootstrap }))
    const path = `/v1/topics/${topic}/records`
    const first = await get(`${path}?limit=1`)
    const { cursor } = first.json as { cursor: string }
    for (const query of ['', `?cursor=${cursor}`, `?cursor=${cursor}&wait=30000`]) {
      broker.pause()
      const askedAt = performance.now()
      const answer = await get(path + query)
      expect(performance.now() - askedAt).toBeLessThan(15_000)
      expect(answer.json).toMatchObject({ status: 503, code: 'kafka_unavailable', retryable: true })
      broker.resume()
      expect((await get(`${path}?cursor=${cursor}`)).json).toMatchObject({ records: [{ offset: 1 }] })
    }
    await broker.kill9()
    const down = await get(`${path}?cursor=${cursor}`)
    expect(down.json).toMatchObject({ status: 503, code: 'kafka_unavailable' })
    await broker.restart()
    expect((await get(`${path}?cursor=${cursor}`)).json).toMatchObject({ records: [{ offset: 1 }] })
  })
})
