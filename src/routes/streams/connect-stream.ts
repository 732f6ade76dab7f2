import { Problem } from '../../problems/problem.ts'
import { SubscriptionQuery } from '../../ws/subscription-options.ts'
import { addRoute, type App, problemResponses } from '../route.ts'

/**
 * The WebSocket's entry in openapi.yaml, and the answer to a request that is not one: upgrades never reach the routes.
 * The frames are in asyncapi.yaml.
 */
export function registerConnectStream(app: App): void {
  addRoute(
    app,
    {
      operationId: 'connectStream',
      access: 'public',
      method: 'get',
      path: '/v1/ws',
      tags: ['Streams'],
      summary: 'Consume over WebSocket',
      description:
        'A WebSocket (RFC 6455), subprotocol `sluice.v1` or none. asyncapi.yaml describes its frames.',
      request: { query: SubscriptionQuery },
      responses: {
        101: { description: 'The socket is open.' },
        ...problemResponses(
          'unsupported_subprotocol',
          'origin_not_allowed',
          'upgrade_required',
          'too_many_streams',
          'shutting_down',
        ),
      },
    },
    () => {
      throw new Problem('upgrade_required', {
        headers: { upgrade: 'websocket', 'sec-websocket-version': '13' },
      })
    },
  )
}
