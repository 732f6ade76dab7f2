import { z } from 'zod'
import { problems } from '../problems/problems.ts'
import { type StreamEventKind, streamEvents } from '../routes/records/stream-events.ts'
import { closeCodes } from '../ws/close-codes.ts'
import { SUBPROTOCOL, WS_PATH } from '../ws/handshake.ts'
import { ClientMessage, ServerMessage } from '../ws/messages.ts'
import { SubscriptionQuery } from '../ws/subscription-options.ts'

/** One message of either direction, with a frame that shows it. */
interface Example {
  readonly type: string
}

const position = { topic: 'orders', partition: 0, offset: 42 }

/** A frame of each type. A test parses every one with the schema that serves. */
export const exampleFrames: readonly Example[] = [
  { type: 'subscribe', topics: ['orders'], group: 'billing', from: 'earliest', ack: 'client' } as Example,
  { type: 'ack', offsets: [position] } as Example,
  { type: 'pause', partitions: [{ topic: 'orders', partition: 0 }] } as Example,
  { type: 'pause' },
  { type: 'resume', partitions: [{ topic: 'orders', partition: 0 }] } as Example,
  { type: 'authenticate', token: 'sluice_dashboard_Xy…' } as Example,
  { type: 'seek', topic: 'orders', partition: 0, offset: 17 } as Example,
  { type: 'seek', topic: 'orders', timestamp: 1_795_466_320_013 } as Example,
  { type: 'seek', topic: 'orders', from: 'earliest' } as Example,
  { type: 'credit', records: 100, bytes: 65_536 } as Example,
  {
    type: 'produce',
    id: 7,
    topic: 'orders',
    records: [{ key: 'order-17', value: { total: 12.5 } }],
  } as Example,
  { type: 'subscribe', resume: 'AXsiZ3JvdXAiOiJiaWxsaW5nIn0' } as Example,
  { type: 'resumable', token: 'AXsiZ3JvdXAiOiJiaWxsaW5nIn0', graceMs: 30_000, kept: true } as Example,
  { type: 'assigned', partitions: [position] } as Example,
  {
    type: 'records',
    records: [
      {
        ...position,
        timestamp: 1_795_466_320_013,
        timestampType: 'CreateTime',
        key: 'order-17',
        value: { total: 12.5 },
        headers: { source: 'web' },
      },
    ],
  } as Example,
  { type: 'committed', offsets: [{ ...position, offset: 43 }] } as Example,
  { type: 'revoked', partitions: [{ topic: 'orders', partition: 0 }], reason: 'rebalance' } as Example,
  { type: 'paused', partitions: [{ topic: 'orders', partition: 0 }] } as Example,
  { type: 'resumed', partitions: [{ topic: 'orders', partition: 0 }] } as Example,
  {
    type: 'produced',
    id: 7,
    results: [{ partition: 0, offset: 42, timestamp: 1_795_466_320_013 }],
  } as Example,
  {
    type: 'producedOnce',
    id: 8,
    partition: 0,
    offset: 43,
    timestamp: 1_795_466_320_013,
    nextSequence: 1,
    duplicate: false,
  } as Example,
  { type: 'produceHeld', inFlight: 1_000, bytes: 181_000 } as Example,
  { type: 'produceReady' },
  { type: 'caughtUp' },
  { type: 'end', reason: 'until', cursor: 'AZ8xR2wKZbU0i0tHqJ0T1yM7x3oQBgEAAw' } as Example,
  {
    type: 'error',
    code: 'unknown_type',
    title: problems.unknown_type.title,
    detail: 'No such type.',
    retryable: false,
    ref: 'subscrib',
    instance: '5b1c6a9e-0d0f-4a63-9f0e-3a1f1c1f5d7b',
  } as Example,
  { type: 'authenticated', principal: 'key:dashboard', expiresAt: null } as Example,
  { type: 'expiring', expiresAt: 1_795_466_380_013 } as Example,
  { type: 'draining', deadlineMs: 10_000 } as Example,
]

/**
 * The WebSocket and the server-sent events as AsyncAPI 3.0, from the schemas that parse and type the frames.
 * `action` is the gateway's view: it receives what clients send.
 */
export function asyncApiDocument(): Record<string, unknown> {
  const client = ClientMessage.options
  const server = ServerMessage.options
  const all = [...client, ...server]
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Sluice over WebSocket and server-sent events',
      version: '1.0.0',
      description: [
        'Text frames, one JSON object each, `type` first. Clients ignore members and types they do not know.',
        `Offer the subprotocol \`${SUBPROTOCOL}\`, or none. A handshake is refused with an HTTP problem document, see openapi.yaml;`,
        'a subscription in the URL that is refused, with an `error` frame and a close code, which browsers can see.',
        'The gateway pings; answering pongs is what every WebSocket library does by itself.',
        '',
        'Close codes 4000-4499 mean that connecting again will not help, 4500-4999 to connect again and resume; so does a',
        'connection that ends without one (1006). An `error` frame before the close says more.',
        '',
        ...closeCodes().map(
          ({ code, problem, meaning }) =>
            `- ${code}: ${problem === undefined ? '' : `\`${problem}\`, `}${meaning}`,
        ),
      ].join('\n'),
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      local: { host: 'localhost:8080', protocol: 'ws', description: 'Where `npm start` listens.' },
      localHttp: {
        host: 'localhost:8080',
        protocol: 'http',
        description: 'The same, for server-sent events.',
      },
    },
    channels: {
      stream: {
        address: WS_PATH,
        servers: [{ $ref: '#/servers/local' }],
        description: 'One socket holds at most one subscription, named in the URL or by `subscribe`.',
        messages: Object.fromEntries(
          all.map((schema) => [nameOf(schema), { $ref: `#/components/messages/${nameOf(schema)}` }]),
        ),
        bindings: {
          ws: { method: 'GET', query: jsonSchema(SubscriptionQuery), bindingVersion: '0.1.0' },
        },
      },
      events: {
        address: '/v1/topics/{topic}/records',
        servers: [{ $ref: '#/servers/localHttp' }],
        description:
          'Server-sent events: a GET with `Accept: text/event-stream`; its parameters are in openapi.yaml. A message is the data of one event, and its name the name of the event; an event without a name is a record.',
        parameters: { topic: { description: 'The topic to read.' } },
        messages: Object.fromEntries(
          Object.keys(streamEvents).map((name) => [
            eventName(name),
            { $ref: `#/components/messages/${eventName(name)}` },
          ]),
        ),
      },
    },
    operations: {
      receiveFromClient: operation('receive', client),
      sendToClient: operation('send', server),
      sendEvents: {
        action: 'send',
        channel: { $ref: '#/channels/events' },
        messages: Object.keys(streamEvents).map((name) => ({
          $ref: `#/channels/events/messages/${eventName(name)}`,
        })),
        bindings: { http: { method: 'GET', bindingVersion: '0.3.0' } },
      },
    },
    components: {
      messages: Object.fromEntries([
        ...all.map((schema) => {
          const { id: _, description } = schema.meta() ?? {}
          const examples = exampleFrames.filter((frame) => frame.type === nameOf(schema))
          return [
            nameOf(schema),
            {
              name: nameOf(schema),
              summary: description,
              contentType: 'application/json',
              payload: jsonSchema(schema),
              examples: examples.map((payload) => ({ payload })),
            },
          ]
        }),
        ...Object.entries(streamEvents).map(([name, kind]) => [eventName(name), eventMessage(name, kind)]),
      ]),
    },
  }
}

function operation(action: 'receive' | 'send', schemas: readonly z.ZodType[]): object {
  return {
    action,
    channel: { $ref: '#/channels/stream' },
    messages: schemas.map((schema) => ({ $ref: `#/channels/stream/messages/${nameOf(schema)}` })),
  }
}

/** Some events are called as frames are. */
function eventName(name: string): string {
  return `event-${name}`
}

function eventMessage(name: string, { summary, data, example }: StreamEventKind): object {
  return {
    name,
    summary,
    contentType: 'application/json',
    payload: jsonSchema(data),
    examples: [{ payload: example }],
  }
}

function nameOf(schema: z.ZodType): string {
  return schema.meta()?.id ?? ''
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-07',
    io: 'input',
    unrepresentable: 'any',
    // With the ids of the usual registry the schemas would become references to definitions inside each other.
    metadata: z.registry<{ id?: string }>(),
    override({ zodSchema, jsonSchema, path }) {
      const { description } = z.globalRegistry.get(zodSchema) ?? {}
      // A message's own is its summary.
      if (description !== undefined && path.length > 0) jsonSchema.description = description
    },
  })
  return rest
}
