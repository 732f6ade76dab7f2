import { createApp } from '../app.ts'
import { Guard } from '../auth/guard.ts'
import { loadConfig } from '../config/config.ts'
import type { Deps } from '../deps.ts'
import type { App } from '../routes/route.ts'
import { version } from '../version.ts'

/** JSON, as the document is made of. */
type Json = string | number | boolean | null | undefined | Json[] | { [member: string]: Json }
interface Schema {
  [keyword: string]: Json
}

export interface OpenApiDocument {
  openapi: string
  info: object
  servers: object[]
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

export interface Operation {
  operationId: string
  summary: string
  tags: string[]
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>
}

/** In the order the reference shows them. A tag that no operation has is left out. */
const tags = {
  Records: 'Write records to a topic, and read them from any position without joining a group.',
  Transactions: "Records to any topics, and a group's offsets, all or nothing.",
  Topics: 'Make, list, describe, change, truncate and delete topics.',
  Groups: 'Consumer groups: their members, their positions and how far they lag behind.',
  Cluster: 'Brokers, their configs and disks, where replicas are, and transactions under way.',
  Access: 'Who may do what in Kafka, how much, and who can log in: ACLs, quotas and SCRAM users.',
  Streams: 'Records pushed as they are written.',
  System: 'Health, and the contract itself.',
}

const description = `Kafka over HTTP and WebSocket.

**Bodies** are JSON in UTF-8 unless an operation says otherwise; members and parameters that are not documented are
errors. Offsets, partitions and timestamps (milliseconds since the epoch) are JSON numbers.

**Errors** are \`application/problem+json\` (RFC 9457). Programs branch on \`code\`, which is stable; \`type\` is the path of a
page that says what to do; \`instance\` is the request id, also in the \`X-Request-Id\` header and in the gateway's log.
Send \`X-Request-Id\` to choose it. \`retryable\` says that the same request may succeed later and is safe to send again.

**Stateless**: any replica of the gateway serves any request.`

/** The whole URL map without anything behind it, to read its registry. */
export function appWithoutKafka(): App {
  return createApp({ config: loadConfig({}), guard: new Guard() } as Deps)
}

/** openapi.yaml as an object: the routes as they registered themselves, in an order that only a change of the contract changes. */
export function openApiDocument(app: App = appWithoutKafka()): OpenApiDocument {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this document.' }],
  }) as unknown as OpenApiDocument
  const paths = sortedByKey(document.paths)
  const used = new Set(
    Object.values(paths).flatMap((item) => Object.values(item).flatMap((operation) => operation.tags)),
  )
  return portable({
    openapi: document.openapi,
    info: document.info,
    servers: document.servers,
    tags: Object.entries(tags)
      .map(([name, text]) => ({ name, description: text }))
      .filter((tag) => used.has(tag.name)),
    paths,
    components: { schemas: sortedByKey(document.components.schemas) },
  }) as OpenApiDocument
}

function sortedByKey<T>(object: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Mends what the generator leaves to the reader's regular expression engine or forgets: `\d` is any Unicode digit to some,
 * and a nullable enum must name null.
 */
function portable(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(portable)
  if (node === null || typeof node !== 'object') return node
  const schema = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, portable(value)]))
  if (typeof schema.pattern === 'string') {
    schema.pattern = schema.pattern.replaceAll('\\d', '[0-9]').replaceAll('\\w', '[A-Za-z0-9_]')
  }
  if (Array.isArray(schema.type) && schema.type.includes('null') && Array.isArray(schema.enum)) {
    schema.enum = [...new Set([...(schema.enum as Json[]), null])]
  }
  return schema
}
