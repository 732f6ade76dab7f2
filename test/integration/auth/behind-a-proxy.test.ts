import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { WsClient } from '../../support/ws.ts'

it('a client behind a trusted proxy is counted and audited by its own address, and cannot choose another', async () => {
  const auth = authFiles(`rules: [{ to: [key:a], allow: [consume], topics: [t] }]`, ['a'])
  const audit = join(temporaryDir(), 'audit.ndjson')
  const gateway = await startTestGateway({
    ...auth.env,
    SLUICE_AUDIT_LOG: audit,
    SLUICE_FAILED_LOGINS: '2',
    SLUICE_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
  })
  const guess = async (forwarded: string) => {
    const headers = { authorization: 'Bearer nonsense', 'x-forwarded-for': forwarded }
    return (await http(gateway).get('/v1/topics/t', { headers })).status
  }
  // What a client sends itself stands left of what the proxy adds: it helps nobody to another count.
  const attacker = (i: number) => `203.0.113.${i}, 198.51.100.1, 10.1.2.3`
  expect([await guess(attacker(1)), await guess(attacker(2)), await guess(attacker(3))]).toEqual([
    401, 401, 429,
  ])
  // Nor does another address of the same network.
  const network = (i: number) => `2001:db8:1:2::${i}`
  expect([await guess(network(1)), await guess(network(2)), await guess(network(3))]).toEqual([401, 401, 429])
  expect(await guess('198.51.100.2')).toBe(401)
  const url = `${gateway.url.replace('http', 'ws')}/v1/ws?topics=t`
  await new WsClient(url, { headers: { 'x-forwarded-for': '198.51.100.3' } }).closed
  const addresses = () =>
    readFileSync(audit, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { ip: string }).ip)
  await expect.poll(addresses).toContain('198.51.100.3')
  expect([...new Set(addresses())].sort()).toEqual([
    '198.51.100.1',
    '198.51.100.2',
    '198.51.100.3',
    '2001:db8:1:2::1',
    '2001:db8:1:2::2',
    '2001:db8:1:2::3',
  ])
})
