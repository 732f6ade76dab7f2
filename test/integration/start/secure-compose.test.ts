import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { kafkaVersion } from '../../../dev/kafka/jars.ts'
import { commonConfigs } from '../../../dev/kafka/server-properties.ts'
import { kafkaScripts, startAsContainer } from '../../support/compose-kafka.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const root = resolve(import.meta.dirname, '../../..')
const { services } = parse(readFileSync(join(root, 'compose.secure.yaml'), 'utf8'))
const { gateway, keys, kafka, 'kafka-users': users } = services

it(
  'compose.secure.yaml has a Kafka and a gateway that serve over TLS, those alone who have shown who they are',
  { timeout: 180_000 },
  async () => {
    const dir = temporaryDir()
    const secrets = join(dir, 'secrets')
    execFileSync('sh', [join(root, 'deploy/compose/secrets.sh'), secrets], { stdio: 'pipe' })

    // What is a path, a host or a port of a container becomes one of this machine.
    const [clients, inside, controller] = await Promise.all([freePort(), freePort(), freePort()])
    const here = (value: unknown) =>
      String(value)
        .replaceAll(/\b(kafka|localhost|0\.0\.0\.0):/g, '127.0.0.1:')
        .replaceAll(':9092', `:${clients}`)
        .replaceAll(':19092', `:${inside}`)
        .replaceAll(':9093', `:${controller}`)
        .replaceAll('/run/secrets', secrets)
        .replaceAll('/var/lib/', `${dir}/`)
        .replaceAll('/etc/kafka-admin', dir)
        .replaceAll('/etc/sluice', dir)
    const environment = (service: { environment: object }) =>
      Object.fromEntries(Object.entries(service.environment).map(([name, value]) => [name, here(value)]))

    await startAsContainer(join(dir, 'kafka'), environment(kafka))
    copyFileSync(join(root, 'deploy/compose/kafka-users.sh'), join(dir, 'kafka-users.sh'))
    const admin = readFileSync(join(root, 'deploy/compose/admin.properties'), 'utf8')
    writeFileSync(join(dir, 'admin.properties'), here(admin))
    const [command, ...args] = users.command.map(here)
    const PATH = `${await kafkaScripts(dir)}:${process.env.PATH}`
    expect(execFileSync(command, args, { env: { PATH }, encoding: 'utf8' })).toContain('Completed updating')

    // The rules of the example, and keys of the one-shot service.
    copyFileSync(join(root, 'examples/policy.yaml'), join(dir, 'policy.yaml'))
    const settings = environment(gateway)
    expect(environment(keys).SLUICE_API_KEYS_FILE).toBe(settings.SLUICE_API_KEYS_FILE)
    settings.SLUICE_API_KEYS_FILE = join(dir, 'keys.json')
    const env = { SLUICE_API_KEYS_FILE: settings.SLUICE_API_KEYS_FILE }
    const [, script, ...words] = keys.entrypoint
    const createKey = (...rest: string[]) => {
      const command = [join(root, script), ...words, 'create', ...rest]
      const key = execFileSync(process.execPath, command, { env, encoding: 'utf8', stdio: 'pipe' })
      return { authorization: `Bearer ${key.trim()}` }
    }
    const shop = createKey('shop')
    const ops = createKey('ops', '--role', 'ops')

    const { url } = await startTestGateway(settings)
    expect(url).toMatch(/^https:/)
    const ca = readFileSync(join(secrets, 'ca.pem'))
    const send = async (method: string, path: string, headers: Record<string, string>, body?: object) => {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const options = {
        method,
        ca,
        agent: false as const,
        headers: { 'content-type': 'application/json', ...headers },
      }
      request(url + path, options, resolve)
        .on('error', reject)
        .end(body && JSON.stringify(body))
      const response = await promise
      return { status: response.statusCode, body: JSON.parse(await text(response)) }
    }
    const records = '/v1/topics/orders/records'
    const record = { key: 'order-17', value: { total: 12.5 } }
    expect(await send('GET', '/readyz', {})).toMatchObject({ status: 200 })
    expect(await send('POST', records, {}, record)).toMatchObject({ status: 401 })
    const topic = { name: 'orders', partitions: 1 }
    expect(await send('POST', '/v1/topics', shop, topic)).toMatchObject({ status: 403 })
    expect(await send('POST', '/v1/topics', ops, topic)).toMatchObject({ status: 201 })
    expect(await send('POST', records, shop, record)).toMatchObject({ status: 200 })
    expect(await send('GET', `${records}?from=earliest`, shop)).toMatchObject({ status: 403 })
    expect(await send('GET', `${records}?from=earliest`, ops)).toMatchObject({
      status: 200,
      body: { records: [record] },
    })

    // Past the gateway there is no way in.
    const stranger = new Kafka({
      brokers: [settings.KAFKA_BROKERS!],
      ssl: { ca: [ca] },
      sasl: { mechanism: 'scram-sha-512', username: 'sluice', password: 'guessed' },
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING,
    }).admin()
    await expect(stranger.connect()).rejects.toThrow(/authentication/i)
  },
)

it('compose.secure.yaml runs the Kafka of compose.yaml, and publishes the gateway alone', () => {
  expect([kafka.image, users.image]).toEqual([`apache/kafka:${kafkaVersion}`, `apache/kafka:${kafkaVersion}`])
  const common = Object.entries(commonConfigs(1)).map(([name, value]) => [
    `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
    value,
  ])
  for (const [name, value] of common) expect(String(kafka.environment[name!])).toBe(value)
  expect([kafka.ports, users.ports, keys.ports]).toEqual([undefined, undefined, undefined])
})
