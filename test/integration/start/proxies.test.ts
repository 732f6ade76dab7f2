import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { findDeployTool } from '../../support/deploy-tools.ts'
import { EventStream } from '../../support/event-stream.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { logLines } from '../../support/log-lines.ts'
import { RecordStreamClient } from '../../support/record-stream.ts'
import { TestProcess } from '../../support/start-process.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { connect } from '../../support/ws.ts'

const read = (name: string) =>
  readFileSync(resolve(import.meta.dirname, '../../../deploy/proxies', name), 'utf8')

/** The command lines of proxies that do as a file of deploy/proxies says, between two ports of this machine. */
const proxies = {
  nginx(program: string, dir: string, port: number, gateway: number) {
    const site = read('nginx.conf')
      .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
      .replaceAll(/^ *ssl_certificate.*\n/gm, '')
      .replace('127.0.0.1:8080', `127.0.0.1:${gateway}`)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${dir}/${name};`,
    )
    writeFileSync(
      join(dir, 'nginx.conf'),
      `daemon off; master_process off; pid ${dir}/pid; error_log stderr; events {} http { access_log off; ${temporary.join(' ')}\n${site} }`,
    )
    return [program, '-e', 'stderr', '-p', dir, '-c', join(dir, 'nginx.conf')]
  },
  caddy(program: string, dir: string, port: number, gateway: number) {
    const site = read('Caddyfile')
      .replace('kafka.example', `http://127.0.0.1:${port}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${gateway}`)
    writeFileSync(join(dir, 'Caddyfile'), `{\n\tadmin off\n}\n${site}`)
    return [program, 'run', '--adapter', 'caddyfile', '--config', join(dir, 'Caddyfile')]
  },
}

describe.each(Object.entries(proxies))('%s', (name, commandLine) => {
  const program = findDeployTool(name)
  it.skipIf(program === undefined)('passes everything on as it comes, as its file says', async () => {
    const { log, lines: logged } = logLines()
    const gateway = await startTestGateway({ SLUICE_TRUSTED_PROXIES: '127.0.0.1' }, { log })
    const port = await freePort()
    const dir = temporaryDir()
    mkdirSync(join(dir, 'home'))
    const [command, ...args] = commandLine(program!, dir, port, Number(new URL(gateway.url).port))
    const proxy = new TestProcess(command!, args, {
      env: { HOME: join(dir, 'home'), PATH: process.env.PATH },
    })
    const proxied = { url: `http://127.0.0.1:${port}` }
    const isUp = () =>
      fetch(`${proxied.url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      )
    await expect.poll(isUp, { timeout: 20_000 }).toBe(true)

    // Readers that are there before the first record: what they get was not kept until an answer's end.
    const topic = await makeTopic()
    const events = await EventStream.open(proxied, topic, { from: 'earliest' })
    const member = connect(proxied, { topics: topic, group: uniqueName('g'), from: 'earliest' })
    for (let n = 1; n <= 3; n++) {
      await postRecord(proxied, topic, { value: n })
      await events.received(n)
      await member.received(n)
    }
    if (name === 'nginx') await expectAnswersWhileSending(proxied, topic)

    // A body larger than nginx takes by itself is for the gateway to judge, and a client has no say in where it is.
    const large = {
      method: 'POST',
      body: Buffer.alloc(9_000_000),
      headers: { 'x-forwarded-for': '203.0.113.9' },
    }
    const refused = await fetch(`${proxied.url}/v1/topics/${topic}/records?value=body`, large)
    expect(await refused.json()).toMatchObject({ code: 'body_too_large' })
    const ips = () => logged.filter(({ msg }) => msg === 'request').map(({ ip }) => ip)
    await expect.poll(ips).toContain('127.0.0.1')
    expect(new Set(ips())).toEqual(new Set(['127.0.0.1']))
    proxy.signal('SIGTERM')
  })
})

async function postRecord({ url }: { url: string }, topic: string, record: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(record)
  const { status } = await fetch(`${url}/v1/topics/${topic}/records`, { method: 'POST', headers, body })
  expect(status).toBe(200)
}

/** A body of NDJSON, each line sent when the one before it is answered; not every proxy does that over HTTP/1.1. */
async function expectAnswersWhileSending(proxied: { url: string }, topic: string): Promise<void> {
  const upload = new RecordStreamClient(proxied, topic)
  const answered = upload.read()
  for (let n = 1; n <= 3; n++) {
    await upload.send({ value: n })
    await expect.poll(() => upload.lines.length, { timeout: 10_000 }).toBe(n)
  }
  expect(await upload.finish()).toHaveLength(4)
  await answered
}
