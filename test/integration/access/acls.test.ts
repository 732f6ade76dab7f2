import { describe, expect, it, onTestFinished } from 'vitest'
import { useAdminCluster } from '../../support/admin-cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { uniqueName, withAdmin } from '../../support/kafka.ts'

const cluster = useAdminCluster()

async function clusterClient(): Promise<HttpClient> {
  return http(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
}

/** A principal of this test alone, whose ACLs are removed when it ends. */
function newPrincipal(client: HttpClient): string {
  const principal = `User:${uniqueName('u')}`
  onTestFinished(async () => void (await client.delete(`/v1/acls?principal=${principal}`)))
  return principal
}

type Acl = Record<string, unknown>

async function aclsOf(client: HttpClient, query: string): Promise<Acl[]> {
  const { status, json } = await client.get(`/v1/acls?${query}`)
  expect(status).toBe(200)
  return (json as { acls: Acl[] }).acls
}

const everyKind = [
  { resourceType: 'topic', resourceName: 'a topic', operation: 'write' },
  { resourceType: 'topic', resourceName: '*', operation: 'describe-configs', permission: 'deny' },
  {
    resourceType: 'group',
    resourceName: 'bill',
    patternType: 'prefixed',
    operation: 'read',
    host: '10.0.0.1',
  },
  { resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'idempotent-write' },
  { resourceType: 'transactional-id', resourceName: 'tx', operation: 'two-phase-commit' },
  { resourceType: 'delegation-token', resourceName: 'token', operation: 'describe' },
  { resourceType: 'user', resourceName: 'User:bob', operation: 'create-tokens' },
]

describe('/v1/acls', () => {
  it('makes ACLs of every kind, once however often, and Kafka shows them; gives them as it takes them', async () => {
    const client = await clusterClient()
    const principal = newPrincipal(client)
    const acls = everyKind.map((acl) => ({ ...acl, principal }))
    const full = acls.map((acl) => ({ patternType: 'literal', host: '*', permission: 'allow', ...acl }))

    const planned = await client.post('/v1/acls', { acls, dryRun: true })
    expect(planned.json).toEqual({ results: full.map((acl) => ({ ...acl, existed: false })), dryRun: true })
    expect(await aclsOf(client, `principal=${principal}`)).toEqual([])

    const made = await client.post('/v1/acls', { acls })
    expect(made).toMatchObject({ status: 200, json: { ...(planned.json as object), dryRun: false } })
    const listed = await aclsOf(client, `principal=${principal}`)
    expect(new Set(listed)).toEqual(new Set(full))

    const shown = await kafkaTool('kafka-acls', ['--list', '--principal', principal], cluster.bootstrap)
    const entry = `(principal=${principal}, host=`
    expect(shown.split(entry).length - 1).toBe(everyKind.length)
    expect(shown).toContain('resourceType=GROUP, name=bill, patternType=PREFIXED')
    expect(shown).toContain(`${entry}10.0.0.1, operation=READ, permissionType=ALLOW)`)
    expect(shown).toContain('resourceType=USER, name=User:bob, patternType=LITERAL')
    expect(shown).toContain('operation=TWO_PHASE_COMMIT')
    expect(shown).toContain('operation=DESCRIBE_CONFIGS, permissionType=DENY')

    const again = await client.post('/v1/acls', { acls: listed })
    expect(again.json).toEqual({ results: listed.map((acl) => ({ ...acl, existed: true })), dryRun: false })
    expect(await aclsOf(client, `principal=${principal}`)).toEqual(listed)
  })

  it("finds ACLs that Kafka's tool and another client made, by name, pattern and match", async () => {
    const client = await clusterClient()
    const principal = newPrincipal(client)
    const topic = uniqueName()
    const add = ['--add', '--allow-principal', principal, '--operation', 'Read']
    await kafkaTool('kafka-acls', [...add, '--topic', topic], cluster.bootstrap)
    const prefixed = ['--topic', topic.slice(0, 6), '--resource-pattern-type', 'prefixed']
    await kafkaTool('kafka-acls', [...add, ...prefixed], cluster.bootstrap)
    await withAdmin(async (admin) => {
      const acl = { resourceType: 2, resourcePatternType: 3, host: '*', operation: 4, permissionType: 2 }
      await admin.createAcls({ acl: [{ ...acl, resourceName: '*', principal }] })
    }, cluster.bootstrap)

    const find = async (query: string) => {
      const found = await aclsOf(client, `principal=${principal}&${query}`)
      return found.map(({ resourceName }) => resourceName)
    }
    await expect.poll(() => find('')).toEqual(['*', topic.slice(0, 6), topic].sort())
    expect(await find(`resourceName=${topic}`)).toEqual([topic])
    expect(await find(`resourceName=${topic}&patternType=match`)).toHaveLength(3)
    expect(await find(`resourceName=${topic}&patternType=match&operation=read`)).toHaveLength(2)
    expect(await find('patternType=prefixed')).toEqual([topic.slice(0, 6)])
    expect(await find('permission=deny')).toEqual(['*'])
    expect(await find('resourceType=group')).toEqual([])

    const pages: unknown[] = []
    let after = ''
    do {
      const { json } = await client.get(`/v1/acls?principal=${principal}&limit=1${after}`)
      const { acls, next } = json as { acls: Acl[]; next: string | null }
      expect(acls).toHaveLength(1)
      pages.push(acls[0]!.resourceName)
      after = next === null ? '' : `&after=${next}`
    } while (after !== '')
    expect(pages).toEqual(await find(''))
  })

  it('removes what a filter fits, tells it beforehand, and never everything by accident', async () => {
    const client = await clusterClient()
    const principal = newPrincipal(client)
    const acls = everyKind.map((acl) => ({ ...acl, principal }))
    await client.post('/v1/acls', { acls })
    const query = `/v1/acls?principal=${principal}&resourceType=topic`
    const planned = await client.delete(`${query}&dryRun=true`)
    const topics = await aclsOf(client, `principal=${principal}&resourceType=topic`)
    expect(planned.json).toEqual({ results: topics, dryRun: true })
    expect(topics).toHaveLength(2)
    expect(await client.delete(query)).toMatchObject({
      status: 200,
      json: { results: topics, dryRun: false },
    })
    expect((await client.delete(query)).json).toEqual({ results: [], dryRun: false })
    const shown = await kafkaTool('kafka-acls', ['--list', '--principal', principal], cluster.bootstrap)
    expect(shown).not.toContain('resourceType=TOPIC')
    expect(shown).toContain('resourceType=GROUP')

    for (const path of ['/v1/acls', '/v1/acls?patternType=any&dryRun=true', `${query}&all=true`]) {
      const refused = await client.delete(path)
      expect(refused).toMatchObject({ status: 422, json: { code: 'invalid_parameter' } })
      expect(refused.json).toMatchObject({ errors: [{ parameter: 'all' }] })
    }
    expect(await aclsOf(client, `principal=${principal}`)).toHaveLength(everyKind.length - 2)
    const everything = (await client.delete('/v1/acls?all=true&dryRun=true')).json as { results: Acl[] }
    expect(everything.results.filter((acl) => acl.principal === principal)).toHaveLength(everyKind.length - 2)

    const group = ['--group', 'bill', '--resource-pattern-type', 'prefixed', '--operation', 'Read']
    const whose = ['--allow-principal', principal, '--allow-host', '10.0.0.1']
    await kafkaTool('kafka-acls', ['--remove', '--force', ...group, ...whose], cluster.bootstrap)
    await expect.poll(() => aclsOf(client, `principal=${principal}&resourceType=group`)).toEqual([])
  })

  it('tells of each ACL that Kafka refuses, in a dry run as in earnest', async () => {
    const client = await clusterClient()
    const principal = newPrincipal(client)
    const good = { resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'alter', principal }
    const bad = { ...good, resourceName: 'another' }
    const error = { code: 'invalid_request', detail: 'The one resource of type cluster is kafka-cluster.' }
    for (const dryRun of [true, false]) {
      const some = await client.post('/v1/acls', { acls: [bad, good], dryRun })
      expect(some.status).toBe(207)
      expect(some.json).toMatchObject({ results: [{ ...bad, error }, good], dryRun })
      expect((some.json as { results: object[] }).results[1]).not.toHaveProperty('error')
      const none = await client.post('/v1/acls', { acls: [bad], dryRun })
      expect(none).toMatchObject({ status: 422, json: { ...error, results: [{ ...bad, error }] } })
    }
    expect(await aclsOf(client, `principal=${principal}`)).toMatchObject([good])
  })

  it.each([
    [{ acls: [] }, '/acls'],
    [{}, '/acls'],
    [{ acls: [{ ...everyKind[0], principal: 'alice' }] }, '/acls/0/principal'],
    [{ acls: [{ ...everyKind[0] }] }, '/acls/0/principal'],
    [{ acls: [{ ...everyKind[0], principal: 'User:a', resourceName: '' }] }, '/acls/0/resourceName'],
    [{ acls: [{ ...everyKind[0], principal: 'User:a', operation: 'READ' }] }, '/acls/0/operation'],
    [{ acls: [{ ...everyKind[0], principal: 'User:a', patternType: 'match' }] }, '/acls/0/patternType'],
    [{ acls: [{ ...everyKind[0], principal: 'User:a', resourceType: 'broker' }] }, '/acls/0/resourceType'],
    [{ acls: [{ ...everyKind[0], principal: 'User:a', expires: 1 }] }, '/acls/0/expires'],
    [{ acls: Array.from({ length: 1_001 }, () => everyKind[0]) }, '/acls'],
  ])('422s for %j', async (body, pointer) => {
    const client = http(await startTestGateway())
    const { status, json } = await client.post('/v1/acls', body)
    expect(status).toBe(422)
    const pointers = (json as { errors: { pointer: string }[] }).errors.map((error) => error.pointer)
    expect(pointers).toContain(pointer)
  })

  it('409s with acls_disabled where Kafka has no authorizer', async () => {
    const client = http(await startTestGateway())
    const acls = [{ ...everyKind[0], principal: 'User:a' }]
    for (const answer of [
      await client.get('/v1/acls'),
      await client.post('/v1/acls', { acls }),
      await client.post('/v1/acls', { acls, dryRun: true }),
      await client.delete('/v1/acls?all=true'),
    ])
      expect(answer).toMatchObject({ status: 409, json: { code: 'acls_disabled' } })
  })
})
