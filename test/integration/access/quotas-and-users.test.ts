import { describe, expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { uniqueName } from '../../support/kafka.ts'

async function newClient(): Promise<HttpClient> {
  return http(await startTestGateway())
}

interface Entry {
  readonly entity: Record<string, string | null>
  readonly quotas: Record<string, number | null>
}

async function entriesOf(client: HttpClient, query: string): Promise<Entry[]> {
  const { status, json } = await client.get(`/v1/quotas?${query}`)
  expect(status).toBe(200)
  return (json as { entries: Entry[] }).entries
}

/** Sets quotas for a test, and removes them when it ends. */
async function setQuotas(client: HttpClient, entries: readonly Entry[]): Promise<void> {
  onTestFinished(async () => {
    const none = (quotas: Entry['quotas']) => Object.fromEntries(Object.keys(quotas).map((q) => [q, null]))
    const removals = entries.map(({ entity, quotas }) => ({ entity, quotas: none(quotas) }))
    expect((await client.patch('/v1/quotas', { entries: removals })).status).toBe(200)
  })
  const { json } = await client.patch('/v1/quotas', { entries })
  expect(json).toEqual({ results: entries, validateOnly: false })
}

describe('/v1/quotas', () => {
  it('sets, changes and removes quotas of users, clients, addresses and defaults, as Kafka shows them', async () => {
    const client = await newClient()
    const [user, clientId] = [uniqueName('u'), uniqueName('c')]
    const entries: Entry[] = [
      { entity: { user }, quotas: { producerByteRate: 1_000_000, requestPercentage: 50.5 } },
      { entity: { user, clientId }, quotas: { consumerByteRate: 2_000_000 } },
      { entity: { user, clientId: null }, quotas: { consumerByteRate: 3_000_000 } },
      { entity: { clientId }, quotas: { controllerMutationRate: 7.25 } },
      { entity: { ip: '192.0.2.7' }, quotas: { connectionCreationRate: 900 } },
      { entity: { ip: null }, quotas: { connectionCreationRate: 1_000_000 } },
    ]
    await setQuotas(client, entries)
    const describeEntity = (...entity: string[]) => kafkaTool('kafka-configs', ['--describe', ...entity])
    const ofUser = ['--entity-type', 'users', '--entity-name', user]
    expect(await describeEntity(...ofUser)).toContain('producer_byte_rate=1000000.0')
    expect(await describeEntity(...ofUser)).toContain('request_percentage=50.5')
    const ofBoth = [...ofUser, '--entity-type', 'clients']
    expect(await describeEntity(...ofBoth, '--entity-name', clientId)).toContain('consumer_byte_rate=2000000')
    expect(await describeEntity(...ofBoth, '--entity-default')).toContain('consumer_byte_rate=3000000.0')
    const ofClient = ['--entity-type', 'clients', '--entity-name', clientId]
    expect(await describeEntity(...ofClient)).toContain('controller_mutation_rate=7.25')
    const ofIp = ['--entity-type', 'ips']
    expect(await describeEntity(...ofIp, '--entity-name', '192.0.2.7')).toContain('rate=900.0')
    expect(await describeEntity(...ofIp, '--entity-default')).toContain('rate=1000000.0')

    const byUser = await entriesOf(client, `user=${user}`)
    expect(new Set(byUser)).toEqual(new Set(entries.slice(0, 3)))
    expect(await entriesOf(client, `user=${user}&strict=true`)).toEqual([entries[0]])
    expect(await entriesOf(client, `user=${user}&clientId=`)).toEqual([entries[2]])
    expect(await entriesOf(client, `clientId=${clientId}`)).toEqual(expect.arrayContaining([entries[3]]))
    expect(await entriesOf(client, 'ip=')).toEqual([entries[5]])
    const paged = await client.get(`/v1/quotas?user=${user}&limit=2`)
    const { next } = paged.json as { next: string }
    expect(await entriesOf(client, `user=${user}&after=${next}`)).toEqual(byUser.slice(2))

    const nobody = await client.get(`/v1/quotas?user=${user}&ip=`)
    expect(nobody).toMatchObject({ status: 422, json: { errors: [{ parameter: 'ip' }] } })

    // What is listed is taken; what is not named stays; null removes.
    expect((await client.patch('/v1/quotas', { entries: byUser })).status).toBe(200)
    const quotas = { producerByteRate: null, consumerByteRate: 5 }
    await client.patch('/v1/quotas', { entries: [{ entity: { user }, quotas }] })
    const changed = { entity: { user }, quotas: { consumerByteRate: 5, requestPercentage: 50.5 } }
    expect(await entriesOf(client, `user=${user}&strict=true`)).toEqual([changed])

    const alter = ['--alter', ...ofUser, '--add-config', 'producer_byte_rate=77']
    await kafkaTool('kafka-configs', [...alter, '--delete-config', 'consumer_byte_rate'])
    const altered = { entity: { user }, quotas: { producerByteRate: 77, requestPercentage: 50.5 } }
    await expect.poll(() => entriesOf(client, `user=${user}&strict=true`)).toEqual([altered])
  })

  it('tells of each entry that Kafka refuses, and only validates where that is asked for', async () => {
    const client = await newClient()
    const user = uniqueName('u')
    const good = { entity: { user }, quotas: { producerByteRate: 9 } }
    const refused = [
      [{ user, ip: '192.0.2.1' }, { connectionCreationRate: 1 }, 'ip goes with neither user nor clientId.'],
      [{ ip: '192.0.2.2' }, { producerByteRate: 1 }, /An ip has connectionCreationRate alone/],
      [{ clientId: user }, { connectionCreationRate: 1 }, /An ip has connectionCreationRate alone/],
      [{ clientId: 'another' }, { producerByteRate: 1.5 }, /producerByteRate is a whole number/],
      [{ ip: 'no address' }, { connectionCreationRate: 1 }, /ip is neither/],
    ] as const
    const entries = [...refused.map(([entity, quotas]) => ({ entity, quotas })), good]
    const errors = refused.map(([, , detail]) => {
      return { code: 'invalid_request', detail: expect.stringMatching(detail) as string, retryable: false }
    })
    for (const validateOnly of [true, false]) {
      const { status, json } = await client.patch('/v1/quotas', { entries, validateOnly })
      expect(status).toBe(207)
      const { results } = json as { results: object[] }
      expect(results).toMatchObject([...errors.map((error) => ({ error })), good])
      expect(results.at(-1)).toEqual(good)
      expect(json).toMatchObject({ validateOnly })
      expect(await entriesOf(client, `user=${user}`)).toEqual(validateOnly ? [] : [good])
    }
    const none = await client.patch('/v1/quotas', { entries: entries.slice(0, 1) })
    expect(none).toMatchObject({ status: 422, json: { ...errors[0], results: [{ error: errors[0] }] } })
    const quotas = { producerByteRate: null }
    expect((await client.patch('/v1/quotas', { entries: [{ entity: { user }, quotas }] })).status).toBe(200)
  })

  const entity = { user: 'u' }
  it.each([
    ['{"entries": [{"entity": {"user": "u"}, "quotas": {"producerByteRate": NaN}}]}', 400, undefined],
    [
      '{"entries": [{"entity": {"user": "u"}, "quotas": {"producerByteRate": 1e999}}]}',
      422,
      '/quotas/producerByteRate',
    ],
    [{ entries: [{ entity, quotas: { producerByteRate: -1 } }] }, 422, '/quotas/producerByteRate'],
    [{ entries: [{ entity, quotas: { producerByteRate: 0 } }] }, 422, '/quotas/producerByteRate'],
    [{ entries: [{ entity, quotas: { producerByteRate: '1' } }] }, 422, '/quotas/producerByteRate'],
    [{ entries: [{ entity, quotas: { byteRate: 1 } }] }, 422, '/quotas/byteRate'],
    [{ entries: [{ entity, quotas: {} }] }, 422, '/quotas'],
    [{ entries: [{ entity: {}, quotas: { producerByteRate: 1 } }] }, 422, '/entity'],
    [{ entries: [{ entity: { user: '' }, quotas: { producerByteRate: 1 } }] }, 422, '/entity/user'],
    [{ entries: [{ entity: { group: 'g' }, quotas: { producerByteRate: 1 } }] }, 422, '/entity/group'],
  ])('refuses %j', async (body, status, pointer) => {
    const client = await newClient()
    const headers = { 'content-type': 'application/json' }
    const answer = await client.patch('/v1/quotas', body, { headers })
    expect(answer.status).toBe(status)
    if (pointer === undefined) return
    const { errors } = answer.json as { errors: { pointer: string }[] }
    expect(errors[0]!.pointer).toBe(`/entries/0${pointer}`)
  })

  it('412s where a quota has changed since the list that its writer saw', async () => {
    const client = await newClient()
    const [user, clientId] = [uniqueName('u'), uniqueName('c')]
    await setQuotas(client, [
      { entity: { user }, quotas: { producerByteRate: 1_000 } },
      { entity: { user, clientId }, quotas: { producerByteRate: 1_000 } },
    ])
    const tagOf = async (query: string) =>
      (await client.get(`/v1/quotas?${query}`)).headers.get('etag') ?? 'none'
    const set = async (producerByteRate: number, tag: string, ...entities: object[]) => {
      const entries = entities.map((entity) => ({ entity, quotas: { producerByteRate } }))
      const { status } = await client.patch('/v1/quotas', { entries }, { headers: { 'if-match': tag } })
      return status
    }
    const seen = await tagOf(`user=${user}&strict=true`)
    expect(await set(2_000, seen, { user })).toBe(200)
    expect(await set(3_000, seen, { user })).toBe(412)
    expect(await entriesOf(client, `user=${user}&strict=true`)).toMatchObject([
      { quotas: { producerByteRate: 2_000 } },
    ])
    // Of several, in whatever order.
    const both = await tagOf(`user=${user}`)
    expect(await set(4_000, both, { user, clientId }, { user })).toBe(200)
    expect(await set(5_000, both, { user }, { user, clientId })).toBe(412)
    expect(await set(5_000, '*', { user })).toBe(200)
  })

  it('422s for an entity that is named twice', async () => {
    const entry = { entity: { user: 'u', clientId: null }, quotas: { producerByteRate: 1 } }
    const same = { ...entry, entity: { clientId: null, user: 'u' } }
    const answer = await (await newClient()).patch('/v1/quotas', { entries: [entry, same] })
    expect(answer).toMatchObject({ status: 422, json: { errors: [{ pointer: '/entries/1/entity' }] } })
  })
})

describe('/v1/users', () => {
  it('makes, lists and deletes SCRAM users, as Kafka shows them', async () => {
    const client = await newClient()
    const user = `${uniqueName('u')} ß,=/`
    const path = `/v1/users/${encodeURIComponent(user)}`
    onTestFinished(async () => void (await client.delete(path)))
    expect(await client.get(path)).toMatchObject({ status: 404, json: { code: 'user_not_found' } })
    const password = 'never to be seen'
    const made = await client.put(path, { mechanism: 'SCRAM-SHA-512', password, iterations: 8_192 })
    const first = { mechanism: 'SCRAM-SHA-512', iterations: 8_192 }
    expect(made).toMatchObject({ status: 201, json: { user, credentials: [first] } })
    const second = { mechanism: 'SCRAM-SHA-256', iterations: 4_096 }
    const more = await client.put(path, { mechanism: 'SCRAM-SHA-256', password })
    expect(more).toMatchObject({ status: 200, json: { user, credentials: [second, first] } })
    expect((await client.get(path)).json).toEqual(more.json)
    const ofUser = ['--entity-type', 'users', '--entity-name', user]
    const shown = await kafkaTool('kafka-configs', ['--describe', ...ofUser])
    expect(shown).toContain('SCRAM-SHA-512=iterations=8192')
    expect(shown).toContain('SCRAM-SHA-256=iterations=4096')

    const alter = ['--alter', ...ofUser, '--add-config', 'SCRAM-SHA-256=[iterations=5000,password=other]']
    await kafkaTool('kafka-configs', alter)
    const changed = [{ ...second, iterations: 5_000 }, first]
    await expect.poll(async () => (await client.get(path)).json).toEqual({ user, credentials: changed })
    const listed = await client.get('/v1/users')
    expect((listed.json as { users: unknown[] }).users).toContainEqual({ user, credentials: changed })

    expect((await client.delete(path)).status).toBe(204)
    expect((await client.get(path)).status).toBe(404)
    await client.put(path, { mechanism: 'SCRAM-SHA-256', password })
    await client.put(path, { mechanism: 'SCRAM-SHA-512', password, iterations: 8_192 })
    expect((await client.delete(`${path}?mechanism=SCRAM-SHA-256`)).status).toBe(204)
    expect((await client.delete(`${path}?mechanism=SCRAM-SHA-256`)).status).toBe(404)
    expect((await client.get(path)).json).toEqual({ user, credentials: [first] })
    expect((await client.delete(path)).status).toBe(204)
    expect(await client.delete(path)).toMatchObject({ status: 404, json: { code: 'user_not_found' } })
    expect(await kafkaTool('kafka-configs', ['--describe', ...ofUser])).not.toContain('SCRAM')
  })

  const right = { mechanism: 'SCRAM-SHA-256', password: 'p' }
  it.each([
    [{ ...right, iterations: 4_095 }, '/iterations'],
    [{ ...right, iterations: 16_385 }, '/iterations'],
    [{ ...right, mechanism: 'PLAIN' }, '/mechanism'],
    [{ ...right, password: '' }, '/password'],
    [{ ...right, password: 'p'.repeat(1_025) }, '/password'],
    [{ mechanism: 'SCRAM-SHA-256' }, '/password'],
    [{ ...right, salt: 'x' }, '/salt'],
  ])('422s for %j', async (body, pointer) => {
    const answer = await (await newClient()).put('/v1/users/nobody', body)
    expect(answer).toMatchObject({ status: 422, json: { errors: [{ pointer }] } })
  })
})
