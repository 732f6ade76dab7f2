import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { Problem } from '../../problems/problem.ts'
import { addRoute, type App, problemResponses } from '../route.ts'

const Status = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Status' })
const ok = { description: 'It is.', content: { 'application/json': { schema: Status } } }

export function registerHealth(app: App, { config, cluster, draining }: Deps): void {
  // Where Kafka is asked as the clients, the gateway can do no more than reach it.
  const ask = (ms: number) => (config.kafka.clients === undefined ? cluster.ping(ms) : cluster.reach(ms))
  addRoute(
    app,
    {
      operationId: 'getHealth',
      access: 'public',
      method: 'get',
      path: '/healthz',
      tags: ['System'],
      summary: 'Is the process alive?',
      responses: { 200: ok, ...problemResponses() },
    },
    (c) => c.json({ status: 'ok' }),
  )
  addRoute(
    app,
    {
      operationId: 'getReadiness',
      access: 'public',
      method: 'get',
      path: '/readyz',
      tags: ['System'],
      summary: 'Can it serve now?',
      description: 'Asks Kafka each time. The problem says why it cannot.',
      responses: { 200: ok, ...problemResponses('kafka_auth_failed', 'kafka_unavailable', 'shutting_down') },
    },
    async (c) => {
      if (draining()) throw new Problem('shutting_down')
      await ask(2_000)
      return c.json({ status: 'ok' })
    },
  )
}
