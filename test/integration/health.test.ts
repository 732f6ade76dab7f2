import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { http } from '../support/http.ts'

describe('GET /readyz', () => {
  it('200s while Kafka answers', async () => {
    const { get } = await startTestGateway().then(http)
    const answer = await get('/readyz')
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({ status: 'ok' })
  })

  it('503s with the reason while Kafka does not answer, and the process stays alive', async () => {
    const { get } = await startTestGateway({ KAFKA_BROKERS: '127.0.0.1:1' }).then(http)
    const answer = await get('/readyz')
    expect(answer.status).toBe(503)
    expect(answer.json).toMatchObject({ code: 'kafka_unavailable', retryable: true })
    expect((await get('/healthz')).status).toBe(200)
    // It has not started: it has never had what it needs.
    expect((await get('/startupz')).json).toMatchObject({ code: 'kafka_unavailable' })
  })
})
