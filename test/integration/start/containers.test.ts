import { execFile } from 'node:child_process'
import { chmodSync, existsSync, globSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { startBroker } from '../../../dev/kafka/broker.ts'
import { dockerArguments } from '../../../dev/kafka/docker.ts'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { kafkaVersion } from '../../../dev/kafka/jars.ts'
import { commonConfigs } from '../../../dev/kafka/server-properties.ts'
import { buildImage, confined } from '../../support/dockerfile.ts'
import { brokers } from '../../support/kafka.ts'
import { TestProcess } from '../../support/start-process.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const root = resolve(import.meta.dirname, '../../..')
const compose = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'))

/** The settings of Kafka in the image's way of writing them, by their own names. */
function settingsOf(environment: Record<string, unknown>): Record<string, string> {
  const settings = Object.entries(environment).filter(([name]) => name.startsWith('KAFKA_'))
  return Object.fromEntries(
    settings.map(([name, value]) => [name.slice(6).toLowerCase().replaceAll('_', '.'), String(value)]),
  )
}

/** Starts a broker on settings meant for a container, with its ports and hosts replaced by ones of this machine. */
async function expectToServe(settings: Record<string, string>, clientPort: number): Promise<void> {
  const ports = new Map<string, number>()
  for (const [, port] of settings.listeners!.matchAll(/:(\d+)/g)) ports.set(port!, await freePort())
  const dir = temporaryDir()
  const local = (value: string) =>
    value
      .replaceAll(/:(\d+)/g, (_, port: string) => `:${ports.get(port) ?? port}`)
      .replaceAll(/(\/\/|@)(kafka|localhost|0\.0\.0\.0):/g, '$1127.0.0.1:')
  const configs = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, local(value)]))
  const port = ports.get(String(clientPort))!
  const broker = await startBroker({ dir, port, configs: { ...configs, 'log.dirs': join(dir, 'data') } })
  await broker.kill9()
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** The Dockerfile takes what the image needs of a system from a Debian. */
const isDebian = existsSync('/var/lib/dpkg/status')
if (!isDebian) console.warn('skipped: the image is not built here, since this machine is no Debian')

describe.skipIf(!isDebian)('the image', () => {
  it(
    'is built by its Dockerfile, serves without a shell, root or a place to write, says it is healthy, and ends on SIGTERM',
    { timeout: 240_000 },
    async () => {
      const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`
      const into = temporaryDir()
      chmodSync(into, 0o755)
      const image = buildImage(root, into, { ...process.env, PATH: path })
      const { User, StopSignal, Base } = { User: image.user, StopSignal: image.stopSignal, Base: image.base }
      expect({ User, StopSignal, Base }).toEqual({
        User: '65532:65532',
        StopSignal: 'SIGTERM',
        Base: 'scratch',
      })
      // No SLUICE_PORT, so that a platform may say PORT.
      expect(image.env).toEqual({ PATH: '/usr/local/bin', NODE_ENV: 'production', SLUICE_HOST: '0.0.0.0' })
      expect(image.labels['org.opencontainers.image.version']).toBe(manifest.version)
      expect(image.labels['org.opencontainers.image.description']).toBe(manifest.description)
      for (const unwanted of ['node', 'typescript', 'vitest', 'npm']) {
        expect(existsSync(join(image.root, image.workdir, 'node_modules', unwanted))).toBe(false)
      }
      const programs = globSync('{bin,sbin,usr/bin,usr/sbin,usr/local/bin}/*', { cwd: image.root })
      expect(programs).toEqual(['usr/local/bin/node'])

      const port = String(await freePort())
      const env = {
        ...image.env,
        ...compose.services.gateway.environment,
        PORT: port,
        KAFKA_BROKERS: brokers(),
      }
      const run = (command: readonly string[]) => {
        const confinement = confined(image, command)
        if (confinement === undefined) console.warn('not confined: that takes Linux, and root')
        const [name, ...args] = confinement ?? command
        return {
          name: name!,
          args,
          options: {
            cwd: join(image.root, image.workdir),
            env: { ...env, ...(confinement ? {} : { PATH: path }) },
          },
        }
      }
      const start = run(image.cmd)
      const gateway = new TestProcess(start.name, start.args, start.options)
      await gateway.printed(/listening/)
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
      const { name, args, options } = run(image.healthcheck)
      const check = () => promisify(execFile)(name, args, options)
      await check()
      gateway.signal('SIGTERM')
      expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
      await expect(check()).rejects.toMatchObject({ code: 1 })
    },
  )

  it('has the Node that everything is tested with', () => {
    const [, version] = /^ARG NODE_IMAGE=node:([\d.]+)-trixie-slim$/m.exec(
      readFileSync(join(root, 'Dockerfile'), 'utf8'),
    )!
    expect(version).toBe(manifest.dependencies.node)
  })
})

it('the image does not serve everybody unless it is told to', { timeout: 60_000 }, async () => {
  const gateway = new TestProcess(process.execPath, [join(root, 'bin/sluice.mjs'), 'serve'], {
    cwd: root,
    env: { SLUICE_HOST: '0.0.0.0', SLUICE_PORT: '0', KAFKA_BROKERS: brokers() },
  })
  expect(await gateway.ended).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/^sluice: SLUICE_HOST: .*SLUICE_API_KEYS_FILE.*SLUICE_INSECURE=true/),
  })
})

describe('compose.yaml', () => {
  const { gateway, kafka } = compose.services

  it('runs the Kafka that npm start runs, with the same settings', () => {
    expect(kafka.image).toBe(`apache/kafka:${kafkaVersion}`)
    expect(settingsOf(kafka.environment)).toMatchObject(commonConfigs(1))
    expect(kafka.volumes).toEqual([`kafka-data:${kafka.environment.KAFKA_LOG_DIRS}`])
  })

  it('has settings a real Kafka starts with', { timeout: 60_000 }, async () => {
    await expectToServe(settingsOf(kafka.environment), 19092)
  })

  it('connects the gateway to it once it is healthy', () => {
    const [internal] = kafka.environment.KAFKA_ADVERTISED_LISTENERS.split(',')
    expect(`INTERNAL://${gateway.environment.KAFKA_BROKERS}`).toBe(internal)
    expect(gateway.depends_on.kafka.condition).toBe('service_healthy')
    expect(kafka.healthcheck.test).toContain(gateway.environment.KAFKA_BROKERS)
  })
})

describe('the Docker container of npm start', () => {
  it('has settings a real Kafka starts with', { timeout: 60_000 }, async () => {
    const environment = dockerArguments('volume', 9092).filter((argument) => argument.startsWith('KAFKA_'))
    await expectToServe(settingsOf(Object.fromEntries(environment.map((pair) => pair.split(/=(.*)/s)))), 9092)
  })
})
