import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { NO_LIMITS } from '../../limits/caller-limits.ts'
import { limitRows } from '../../limits/catalog.ts'
import { settings } from '../../config/settings.ts'
import { addRoute, type App, type AppContext, parseQuery, problemResponses } from '../route.ts'

const rate = (what: string) =>
  z
    .strictObject({
      perSecond: z.int(),
      burst: z.int().describe('As many as may be sent at once.'),
      remaining: z.int().describe('As many as are left of it now.'),
    })
    .nullable()
    .describe(`${what}; null where there is no limit.`)

const Caller = z.strictObject({
  principal: z.string().describe('Who asks, as the policy and the logs name it.'),
  countedAs: z
    .enum(['principal', 'address'])
    .describe('Whether it is counted by who it is, or by its address, with all others that come from there.'),
  requests: rate('Requests and WebSocket messages'),
  bytes: rate('Bytes of request bodies and WebSocket messages'),
  readBytes: rate('Bytes of records read'),
  streams: z
    .strictObject({
      limit: z.int().nullable().describe('Null where there is none of its own.'),
      open: z.int().nullable().describe('Null where they are not counted.'),
    })
    .describe('Streams at once.'),
})

const Gateway = z.strictObject(
  Object.fromEntries(
    limitRows.map(({ name, setting }) => [
      name,
      z.int().describe(`${setting}: ${settings[setting].description}`),
    ]),
  ),
)

const Limits = z.strictObject({ caller: Caller, gateway: Gateway }).meta({
  id: 'Limits',
  example: {
    caller: {
      principal: 'key:billing',
      countedAs: 'principal',
      requests: { perSecond: 200, burst: 1_000, remaining: 997 },
      bytes: null,
      readBytes: null,
      streams: { limit: 20, open: 3 },
    },
    gateway: Object.fromEntries(limitRows.map(({ name, setting }) => [name, defaultOf(setting)])),
  },
})

export function registerGetLimits(app: App, { admission, config, guard }: Deps): void {
  addRoute(
    app,
    {
      operationId: 'getLimits',
      access: 'asked by the handler',
      method: 'get',
      path: '/v1/limits',
      tags: ['System'],
      summary: 'What may be sent, and how much of it is left',
      description:
        'The limits of whoever asks, and those of each process of this gateway. Answers of whoever has a limit on requests or bytes say what is left in `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).',
      responses: {
        200: { description: 'The limits.', content: { 'application/json': { schema: Limits } } },
        ...problemResponses('invalid_parameter'),
      },
    },
    (c) => {
      parseQuery(z.strictObject({}), c)
      const gateway = Object.fromEntries(limitRows.map(({ name, of }) => [name, of(config)]))
      const answer: z.input<typeof Limits> = { caller: callerLimits(c), gateway }
      return c.json(answer, 200, { 'cache-control': 'no-store' })
    },
  )

  function callerLimits({ env: { incoming } }: AppContext): z.input<typeof Caller> {
    const { principal, isKnown } = guard.callerOf(incoming)
    const allowance = admission.allowanceOf(incoming)
    const { requestsPerSecond, bytesPerSecond, readBytesPerSecond, streams } = allowance?.limits ?? NO_LIMITS
    const left = allowance?.remaining(performance.now())
    const { rateBurstSeconds } = config.limits
    const shown = (perSecond: number, remaining = 0) =>
      perSecond === 0 ? null : { perSecond, burst: perSecond * rateBurstSeconds, remaining }
    return {
      principal: principal.name,
      countedAs: isKnown ? 'principal' : 'address',
      requests: shown(requestsPerSecond, left?.requests),
      bytes: shown(bytesPerSecond, left?.bytes),
      readBytes: shown(readBytesPerSecond, left?.readBytes),
      streams: { limit: streams === 0 ? null : streams, open: allowance?.streams ?? null },
    }
  }
}

/** Of a setting, as a number. */
function defaultOf(setting: (typeof limitRows)[number]['setting']): number {
  const { def } = settings[setting] as unknown as { def: { defaultValue?: unknown } }
  return Number(def.defaultValue)
}
