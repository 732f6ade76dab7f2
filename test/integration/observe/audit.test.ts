import { readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { scrape } from '../../support/exposition.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { brokers, makeTopic, removeTopic, uniqueName } from '../../support/kafka.ts'
import { TestProcess } from '../../support/start-process.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { connect } from '../../support/ws.ts'

type Line = Record<string, unknown>

const entry = join(import.meta.dirname, '../../../bin/sluice.mjs')

function linesOf(path: string): Line[] {
  const text = readFileSync(path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** Waits for so many lines. */
async function lines(path: string, count: number): Promise<Line[]> {
  return vi.waitFor(() => {
    const found = linesOf(path)
    expect(found).toHaveLength(count)
    return found
  }, 10_000)
}

/** A gateway as its own process, with its log on stdout. */
async function startProcess(env: Record<string, string>) {
  const { PATH = '' } = process.env
  const gateway = new TestProcess(process.execPath, [entry, 'serve'], {
    env: { PATH, KAFKA_BROKERS: brokers(), SLUICE_PORT: '0', ...env },
  })
  const [, url = ''] = await gateway.printed(/"url":"([^"]+)"/)
  return { gateway, url }
}

describe('the audit log', () => {
  it('has a line for each change, denial and produce, and two for each stream; never what a record holds', async () => {
    const path = join(temporaryDir(), 'audit.ndjson')
    const gateway = await startTestGateway({ SLUICE_AUDIT_LOG: path })
    const client = http(gateway)
    const name = uniqueName('audited')
    await client.post('/v1/topics', { name }, { headers: { 'x-request-id': 'one' } })
    const records = [{ value: 'not-in-the-audit-log' }, { value: 'nor-this', partition: 7 }]
    await client.post(`/v1/topics/${name}/records`, { records })
    await client.post(`/v1/topics/${name}/records`, { value: 'no' + 'x'.repeat(2_000_000) })
    await client.get(`/v1/topics/${name}`)
    await client.get(`/v1/topics/${name}/records?from=earliest`)
    await client.get(`/v1/topics/${name}/records?from=earliest`, {
      headers: { accept: 'application/x-ndjson' },
    })
    await lines(path, 5)
    const socket = connect(gateway, { topics: name, group: 'g', from: 'earliest' })
    await socket.received(1)
    await socket.close()
    await lines(path, 7)
    await connect(gateway, { topics: name }, { headers: { origin: 'https://evil.example' } }).closed
    await client.delete('/v1/topics/__consumer_offsets')
    await client.delete(`/v1/topics/${name}`)
    const acl = { resourceType: 'topic', resourceName: name, principal: 'User:alice', operation: 'read' }
    await client.post('/v1/acls', { acls: [acl] })
    await client.patch('/v1/quotas', {
      entries: [{ entity: { user: name }, quotas: { producerByteRate: 1e9 } }],
      validateOnly: true,
    })
    await client.post('/v1/transactions', { records: [{ topic: name, value: 1 }] })
    const found = await lines(path, 13)
    for (const line of found) {
      expect(line).toMatchObject({ type: 'audit', ip: '127.0.0.1', requestId: expect.any(String) as string })
      expect(new Date(String(line.ts)).toISOString()).toBe(line.ts)
    }
    const topic = `topic:${name}`
    expect(found).toMatchObject([
      {
        requestId: 'one',
        method: 'POST',
        operation: 'createTopic',
        resource: topic,
        status: 201,
        outcome: 'done',
      },
      { operation: 'produceRecords', resource: topic, status: 207, outcome: 'mixed', records: 2 },
      { operation: 'produceRecords', status: 413, outcome: 'not_written', code: 'record_too_large' },
      { operation: 'readRecords', resource: topic, status: 200, outcome: 'opened' },
      { operation: 'readRecords', resource: topic, status: 200, outcome: 'closed' },
      { operation: 'connectStream', status: 101, outcome: 'opened' },
      { operation: 'connectStream', resource: `group:g, ${topic}`, status: 1000, outcome: 'closed' },
      { operation: 'connectStream', status: 403, outcome: 'denied', code: 'origin_not_allowed' },
      { operation: 'deleteTopic', resource: 'topic:__consumer_offsets', status: 403, outcome: 'denied' },
      { operation: 'deleteTopic', resource: topic, status: 204, outcome: 'done' },
      {
        operation: 'createAcls',
        resource: `${topic} User:alice read`,
        outcome: 'refused',
        code: 'acls_disabled',
      },
      { operation: 'changeQuotas', resource: `user:${name}`, status: 200, outcome: 'validated' },
      { operation: 'commitTransaction', resource: topic, status: 404, outcome: 'not_written' },
    ])
    expect(found[1]!.bytes).toBe(Buffer.byteLength(JSON.stringify({ records })))
    for (const closed of [found[4]!, found[6]!]) expect(closed.bytes).toBeGreaterThan(20)
    expect(readFileSync(path, 'utf8')).not.toMatch(/not-in-the-audit-log|nor-this/)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await removeTopic(name)
  })

  it('goes on in a new file after SIGHUP, also for several workers, and loses no line on the way', async () => {
    const path = join(temporaryDir(), 'audit.ndjson')
    const topic = await makeTopic()
    const { gateway, url } = await startProcess({ SLUICE_AUDIT_LOG: path, SLUICE_WORKERS: '2' })
    await gateway.printed(/"workers":2/)
    const client = http({ url })
    const produce = async (count: number) => {
      for (let n = 0; n < count; n++) await client.post(`/v1/topics/${topic}/records`, { value: n })
    }
    await produce(20)
    await lines(path, 20)
    renameSync(path, `${path}.1`)
    gateway.signal('SIGHUP')
    // Both workers have opened the new one when none writes to the old one any more.
    await vi.waitFor(async () => {
      const before = linesOf(`${path}.1`).length
      await produce(20)
      expect(linesOf(`${path}.1`)).toHaveLength(before)
    }, 10_000)
    const sent = await client.get(`/v1/topics/${topic}/records?from=earliest&limit=10000`)
    const { length } = (sent.json as { records: unknown[] }).records
    await vi.waitFor(() => expect(linesOf(path).length + linesOf(`${path}.1`).length).toBe(length))
    gateway.signal('SIGTERM')
    expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' })
  }, 60_000)

  it('that the disk does not take is counted, and takes no request with it', async () => {
    const gateway = await startTestGateway({ SLUICE_AUDIT_LOG: '/dev/full', SLUICE_METRICS_PORT: '0' })
    const topic = await makeTopic()
    const client = http(gateway)
    const long = 'x'.repeat(8_000)
    await vi.waitFor(
      async () => {
        // Each line is a long one: a resource is part of the path.
        const answers = await Promise.all(
          Array.from({ length: 50 }, () => client.delete(`/v1/topics/${long}`)),
        )
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([422]))
        expect((await scrape(gateway)).value('sluice_audit_dropped_total')).toBeGreaterThan(0)
      },
      { timeout: 25_000, interval: 1 },
    )
    expect((await client.post(`/v1/topics/${topic}/records`, { value: 1 })).status).toBe(200)
    await gateway.stop()
  }, 40_000)

  it('that cannot be opened keeps the gateway from starting, with a sentence that says why', async () => {
    const path = join(temporaryDir(), 'none', 'audit.ndjson')
    const { PATH = '' } = process.env
    const gateway = new TestProcess(process.execPath, [entry, 'serve'], {
      env: { PATH, KAFKA_BROKERS: brokers(), SLUICE_PORT: '0', SLUICE_AUDIT_LOG: path },
    })
    expect(await gateway.ended).toMatchObject({
      code: 1,
      stderr: `sluice: ${path} cannot be written (ENOENT): see SLUICE_AUDIT_LOG.\n`,
    })
  })

  it('goes to stdout where asked to, apart from the log by its type', async () => {
    const { gateway, url } = await startProcess({ SLUICE_AUDIT_LOG: 'stdout' })
    await http({ url }).delete('/v1/topics/__consumer_offsets')
    await gateway.printed(/\{"type":"audit",.*"outcome":"denied".*\}\n/)
    gateway.signal('SIGTERM')
    const { stdout, code } = await gateway.ended
    expect(code).toBe(0)
    for (const line of stdout.trimEnd().split('\n')) JSON.parse(line)
  })
})
