import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { problems } from '../../../src/problems/problems.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'

const committed = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8')

/** The URLs that a page loads by itself, resolved as a browser would. */
function loads(html: string, base: string): URL[] {
  const urls = html.matchAll(/<(?:script|link|img|iframe)[^>]*\s(?:src|href)="([^"]+)"/g)
  return [...urls].map(([, url = '']) => new URL(url, base))
}

describe('the contract', () => {
  it.each(['openapi.yaml', 'asyncapi.yaml'])('is served as it is committed: %s', async (name) => {
    const { get } = await startTestGateway().then(http)
    const answer = await get(`/${name}`)
    expect(answer.headers.get('content-type')).toBe('application/yaml')
    expect(answer.text).toBe(committed(name))
  })

  it('is the same as JSON', async () => {
    const { get } = await startTestGateway().then(http)
    expect((await get('/openapi.json')).json).toEqual(parse(committed('openapi.yaml')))
  })
})

describe('GET /docs', () => {
  it('loads nothing but files that this gateway serves, and runs no inline script', async () => {
    const gateway = await startTestGateway()
    const answer = await http(gateway).get('/docs')
    const files = loads(answer.text, `${gateway.url}/docs`)
    expect(files.length).toBeGreaterThanOrEqual(4)
    for (const file of files) {
      expect(file.origin).toBe(gateway.url)
      const response = await fetch(file)
      expect(response.status, file.pathname).toBe(200)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100)
    }
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(answer.text).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|style=/)
  })

  it('works behind a proxy that puts a prefix before the path', async () => {
    const { get } = await startTestGateway().then(http)
    const { text } = await get('/docs')
    for (const file of loads(text, 'https://host/kafka/docs'))
      expect(file.pathname).toMatch(/^\/kafka\/docs\//)
  })

  it.each(['..%2fpackage.json', 'package.json', '__proto__', 'constructor', 'swagger-ui.js'])(
    '404s for the file %s, which is not on its list',
    async (file) => {
      const { get } = await startTestGateway().then(http)
      expect((await get(`/docs/${file}`)).status).toBe(404)
    },
  )
})

describe('GET /problems/{code}', () => {
  it('has a page for every code, which says what to do', async () => {
    const { get } = await startTestGateway().then(http)
    const list = (await get('/problems')).text
    for (const [code, { status, fix }] of Object.entries(problems)) {
      const { text } = await get(`/problems/${code}`)
      expect(text).toContain(`<h1><code>${code}</code></h1>`)
      expect(text).toContain(`<td>${status}</td>`)
      expect(text).toContain(fix.slice(0, 20).replaceAll("'", '&#39;').replaceAll('"', '&quot;'))
      expect(list).toContain(`href="problems/${code}"`)
    }
  })

  it("is where a problem's type leads", async () => {
    const { get } = await startTestGateway().then(http)
    const { type } = (await get('/v1/topics/none-of-these')).json as { type: string }
    expect((await get(type)).text).toContain('topic_not_found')
  })

  it.each(['nothing', '__proto__', 'toString', '%3Cscript%3E'])(
    '404s for %s, without repeating it',
    async (code) => {
      const { get } = await startTestGateway().then(http)
      const answer = await get(`/problems/${code}`)
      expect(answer.status).toBe(404)
      expect(answer.text).not.toContain('<script>')
    },
  )
})
