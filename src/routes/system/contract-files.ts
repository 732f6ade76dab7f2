import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { Problem } from '../../problems/problem.ts'
import { addRoute, type App, problemResponses } from '../route.ts'

const YAML = 'application/yaml' // RFC 9512
const OpenApi = z.looseObject({ openapi: z.string() })
const AsyncApi = z.looseObject({ asyncapi: z.string() })
/** The files change with the program alone, but a proxy must not keep them across an upgrade. */
const headers = { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' }

/** The committed contract, as it is: what a client is generated from is what was reviewed. */
export function registerContractFiles(app: App): void {
  const yaml = (description: string, schema: z.ZodType) => ({
    200: { description, content: { [YAML]: { schema } } },
    ...problemResponses(),
  })
  addRoute(
    app,
    {
      operationId: 'getOpenApiYaml',
      access: 'public',
      method: 'get',
      path: '/openapi.yaml',
      tags: ['System'],
      summary: 'Get this document',
      responses: yaml('The contract of the HTTP API, OpenAPI 3.1.', OpenApi),
    },
    async (c) => c.body(await contractFile('openapi.yaml'), 200, { ...headers, 'content-type': YAML }),
  )
  addRoute(
    app,
    {
      operationId: 'getOpenApiJson',
      access: 'public',
      method: 'get',
      path: '/openapi.json',
      tags: ['System'],
      summary: 'Get this document as JSON',
      responses: {
        200: {
          description: 'The contract of the HTTP API, OpenAPI 3.1.',
          content: { 'application/json': { schema: OpenApi } },
        },
        ...problemResponses(),
      },
    },
    async (c) => c.body(await openApiJson(), 200, { ...headers, 'content-type': 'application/json' }),
  )
  addRoute(
    app,
    {
      operationId: 'getAsyncApiYaml',
      access: 'public',
      method: 'get',
      path: '/asyncapi.yaml',
      tags: ['System'],
      summary: 'Get the contract of the WebSocket',
      responses: {
        ...yaml('The contract of the WebSocket, AsyncAPI 3.', AsyncApi),
        ...problemResponses('no_such_route'),
      },
    },
    async (c) => c.body(await contractFile('asyncapi.yaml'), 200, { ...headers, 'content-type': YAML }),
  )
}

let json: string | undefined

async function openApiJson(): Promise<string> {
  json ??= JSON.stringify(parse(await contractFile('openapi.yaml')))
  return json
}

const cache = new Map<string, Promise<string>>()

/** @throws Problem no_such_route where the file was not delivered with the program */
async function contractFile(name: string): Promise<string> {
  let text = cache.get(name)
  if (text === undefined) {
    text = readFile(new URL(`../../../${name}`, import.meta.url), 'utf8')
    cache.set(name, text)
  }
  try {
    return await text
  } catch (cause) {
    cache.delete(name)
    throw new Problem('no_such_route', { detail: `This gateway has no ${name}.`, cause })
  }
}
