import { describe, expect, it } from 'vitest'
import { appWithoutKafka, openApiDocument } from '../../src/contract/openapi.ts'
import { problems } from '../../src/problems/problems.ts'
import { generatedFiles } from '../../dev/generated-files.ts'

const app = appWithoutKafka()
const document = openApiDocument(app)
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method,
    operation,
  })),
)

/** Served but not in the contract, each with its reason. */
const undocumented = new Map([['GET /docs/:file', "the reference page's own scripts and styles"]])

function isHandler({ path }: { path: string }): boolean {
  return path !== '/*'
}

describe('openapi.yaml', () => {
  it('has every route that is served', () => {
    const served = app.routes.filter(isHandler).map(({ method, path }) => `${method} ${path}`)
    const missing = served.filter((route) => {
      const documented = operations.some(({ name }) => name.replaceAll(/\{(\w+)\}/g, ':$1') === route)
      return !documented && !undocumented.has(route)
    })
    expect(missing).toEqual([])
  })

  it('has no operation that is not served', () => {
    const served = new Set(app.routes.map(({ method, path }) => `${method} ${path}`))
    expect(operations.filter(({ name }) => !served.has(name.replaceAll(/\{(\w+)\}/g, ':$1')))).toEqual([])
  })

  it('has the same code list as the problem table', () => {
    expect(document.components.schemas.ProblemCode!.enum).toEqual(Object.keys(problems))
  })

  it('comes out the same each time', () => {
    expect(generatedFiles['openapi.yaml']!()).toBe(generatedFiles['openapi.yaml']!())
  })

  it.each(operations)(
    '$name says what it is, under one name and a tag that is described',
    ({ operation }) => {
      expect(operation.operationId).toMatch(/^[a-z]+[A-Za-z]+$/)
      expect(operations.filter((o) => o.operation.operationId === operation.operationId)).toHaveLength(1)
      expect(operation.summary).toBeTruthy()
      expect(operation.tags).toHaveLength(1)
      expect(document.tags.map(({ name }) => name)).toContain(operation.tags[0])
    },
  )

  it.each(operations)(
    '$name documents problems for its errors, and what went wrong on our side',
    ({ operation }) => {
      const errors = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400)
      expect(errors.map(([status]) => status)).toContain('500')
      for (const [status, { content, description }] of errors) {
        expect(content?.['application/problem+json']?.schema).toEqual({
          $ref: '#/components/schemas/Problem',
        })
        for (const [, code] of description.matchAll(/`(\w+)`:/g)) {
          expect(problems[code as keyof typeof problems].status).toBe(Number(status))
        }
      }
    },
  )
})
