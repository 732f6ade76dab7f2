import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'

describe('GET /readyz', () => {
  it('200s while Kafka answers', async () => {
    const { url } = await startTestGateway()
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 'ok' })
  })

  it('503s with the reason while Kafka does not answer, and the process stays alive', async () => {
    const { url } = await startTestGateway({ KAFKA_BROKERS: '127.0.0.1:1' })
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'kafka_unavailable', retryable: true })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})
