import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { Problem } from '../../problems/problem.ts'
import { addRoute, type App, problemResponses } from '../route.ts'

const Status = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Status' })
const ok = { description: 'It is.', content: { 'application/json': { schema: Status } } }

/** What Kafka is given to answer, ms. */
const PING_MS = 2_000

export function registerHealth(app: App, { config, cluster, secrets, draining }: Deps): void {
  // Where Kafka is asked as the clients, the gateway can do no more than reach it.
  const ask = () => (config.kafka.clients === undefined ? cluster.ping(PING_MS) : cluster.reach(PING_MS))
  let hasStarted = false
  addRoute(
    app,
    {
      operationId: 'getHealth',
      access: 'public',
      method: 'get',
      path: '/healthz',
      tags: ['System'],
      summary: 'Is the process alive?',
      description: 'Whether it answers, whatever Kafka does. Restart it where it does not.',
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
      description:
        'Asks Kafka each time. The problem says why it cannot. From the moment it is told to stop it is `shutting_down`, ' +
        'while what still comes is served: send it no more.',
      responses: { 200: ok, ...problemResponses('kafka_auth_failed', 'kafka_unavailable', 'shutting_down') },
    },
    async (c) => {
      if (draining()) throw new Problem('shutting_down')
      await ask()
      return c.json({ status: 'ok' })
    },
  )
  addRoute(
    app,
    {
      operationId: 'getStartup',
      access: 'public',
      method: 'get',
      path: '/startupz',
      tags: ['System'],
      summary: 'Has it started?',
      description:
        'Whether it has once had all that it needs: its files, metadata of Kafka, and the secret that tokens are signed ' +
        'with. It stays so, also while Kafka is away. The problem says what is missing.',
      responses: {
        200: ok,
        ...problemResponses('kafka_auth_failed', 'kafka_unavailable', 'shutting_down'),
      },
    },
    async (c) => {
      if (!hasStarted) {
        await ask()
        await secrets.find().catch(unlessForbidden)
        hasStarted = true
      }
      return c.json({ status: 'ok' })
    },
  )
}

/** Who may not keep the secret in Kafka either configures one or has no use for tokens: each request says so. */
function unlessForbidden(error: unknown): void {
  if (!(error instanceof Problem) || error.code !== 'kafka_authorization') throw error
}
