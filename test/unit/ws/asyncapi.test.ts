import { readFileSync } from 'node:fs'
import specs from '@asyncapi/specs'
import { Ajv, type SchemaObject } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { asyncApiDocument, exampleFrames } from '../../../src/contract/asyncapi.ts'
import { problems } from '../../../src/problems/problems.ts'
import { streamEvents } from '../../../src/routes/records/stream-events.ts'
import { closeCodes } from '../../../src/ws/close-codes.ts'
import { ClientMessage, ServerMessage } from '../../../src/ws/messages.ts'
import { subscriptionFromQuery } from '../../../src/ws/subscription-options.ts'

interface Message {
  readonly name: string
  readonly summary: string
  readonly payload: SchemaObject
  readonly examples: readonly { readonly payload: unknown }[]
}

interface Document {
  readonly info: { readonly description: string }
  readonly channels: {
    readonly stream: {
      readonly messages: Record<string, unknown>
      readonly bindings: { readonly ws: { readonly query: SchemaObject } }
    }
  }
  readonly operations: Record<string, { readonly messages: readonly { readonly $ref: string }[] }>
  readonly components: { readonly messages: Record<string, Message> }
}

const document = asyncApiDocument() as unknown as Document
const messages = Object.entries(document.components.messages).filter(([name]) => !name.startsWith('event-'))
const directions = { receiveFromClient: ClientMessage, sendToClient: ServerMessage }

function namesOf(schema: typeof ClientMessage | typeof ServerMessage): string[] {
  return schema.options.map((option) => String(option.shape.type.value))
}

function ajv(): Ajv {
  const instance = new Ajv({ strict: false, allErrors: true, validateFormats: true })
  addFormats.default(instance)
  return instance
}

describe('asyncapi.yaml', () => {
  it('is an AsyncAPI document by the official schema', () => {
    const version = String(asyncApiDocument().asyncapi) as '3.0.0'
    const validate = ajv().compile(specs.schemasWithoutId[version] as SchemaObject)
    // As a reader sees it, not as it is in memory.
    const committed: unknown = parse(readFileSync(new URL('../../../asyncapi.yaml', import.meta.url), 'utf8'))
    validate(committed)
    expect(validate.errors ?? []).toEqual([])
  })

  it.each(Object.entries(directions))(
    '%s has every message of its direction, and no other',
    (name, schema) => {
      const documented = document.operations[name]!.messages.map(({ $ref }) => $ref.split('/').at(-1))
      expect(documented).toEqual(namesOf(schema))
    },
  )

  it('describes and shows every message', () => {
    const names = [...namesOf(ClientMessage), ...namesOf(ServerMessage)]
    expect(Object.keys(document.channels.stream.messages)).toEqual(names)
    expect(messages.map(([name]) => name)).toEqual(names)
    for (const [name, message] of messages) {
      expect(message.name).toBe(name)
      expect(message.summary).toMatch(/\.$/)
      expect(message.examples.length, `an example of ${name}`).toBeGreaterThan(0)
    }
  })

  it.each(Object.entries(streamEvents))('describes and shows the event %s', (name, { data, example }) => {
    const message = document.components.messages[`event-${name}`]!
    expect(message.name).toBe(name)
    expect(message.summary).toMatch(/\.$/)
    expect(document.operations.sendEvents!.messages).toContainEqual({
      $ref: `#/channels/events/messages/event-${name}`,
    })
    expect(data.parse(example)).toEqual(example)
    const validate = ajv().compile(message.payload)
    validate(message.examples[0]!.payload)
    expect(validate.errors ?? []).toEqual([])
  })

  it.each(exampleFrames.map((frame) => [frame.type, frame] as const))(
    'shows a %s that the schemas take as it is',
    (type, frame) => {
      const schema = namesOf(ClientMessage).includes(type) ? ClientMessage : ServerMessage
      expect(schema.parse(frame)).toEqual(frame)
      const validate = ajv().compile(document.components.messages[type]!.payload)
      validate(frame)
      expect(validate.errors ?? []).toEqual([])
    },
  )

  it('says of each member of a subscription what it is for, in the URL and in the frame', () => {
    const { query } = document.channels.stream.bindings.ws
    const frame = document.components.messages.subscribe!.payload
    for (const schema of [query, frame]) {
      for (const [name, member] of Object.entries(schema.properties as Record<string, SchemaObject>)) {
        if (name !== 'type') expect(member.description, name).toMatch(/\.$/)
      }
    }
    expect(Object.keys(query.properties as object)).toEqual(
      // A list of positions has no place in a URL.
      Object.keys(frame.properties as object).filter((name) => name !== 'type' && name !== 'positions'),
    )
    const grace = { graceMs: 0, maxGraceMs: 0 }
    expect(() => subscriptionFromQuery(new URLSearchParams('topics=orders&nonsense=1'), grace)).toThrow(
      'nonsense',
    )
  })
})

describe('close codes', () => {
  const listed = [...document.info.description.matchAll(/^- (\d{4}): (?:`(\w+)`, )?/gm)].map(
    ([, code, problem]) => ({ code: Number(code), problem }),
  )

  it('are all in asyncapi.yaml, and no others', () => {
    expect(listed).toEqual(closeCodes().map(({ code, problem }) => ({ code, problem })))
  })

  it('are those of the problem table, both ways', () => {
    const table = Object.entries(problems).flatMap(([problem, row]) =>
      'close' in row ? [{ code: row.close, problem }] : [],
    )
    const ours = listed.filter(({ problem }) => problem !== undefined)
    expect(ours).toHaveLength(table.length)
    expect(ours).toEqual(expect.arrayContaining(table))
  })

  it('tell by their range whether to connect again, as the problem does', () => {
    for (const { code, problem } of listed) {
      if (problem === undefined || code < 4000) continue
      // What is wrong on this side may be put right meanwhile, what is too much now may not be later; what is wrong on
      // the client's comes again.
      const { status } = problems[problem as keyof typeof problems]
      const comesBack = status >= 500 || status === 429
      expect({ problem, again: code >= 4500 }).toEqual({ problem, again: comesBack })
    }
  })

  it('are codes that a server may send (RFC 6455, section 7.4)', () => {
    for (const { code } of listed) expect([1004, 1005, 1006, 1015]).not.toContain(code)
    for (const { code } of listed)
      expect((code >= 1000 && code < 1015) || (code >= 4000 && code < 5000)).toBe(true)
  })

  it('have titles that fit into a close frame', () => {
    for (const row of Object.values(problems)) expect(Buffer.byteLength(row.title)).toBeLessThanOrEqual(123)
  })
})
