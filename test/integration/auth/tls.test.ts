import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, request, type RequestOptions } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { authFiles } from '../../support/auth.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { makeTopic } from '../../support/kafka.ts'

function ask(url: string, options: RequestOptions): Promise<{ status: number; code: string | undefined }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, ...options }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () => {
        const { code } = JSON.parse(text) as { code?: string }
        resolve({ status: response.statusCode ?? 0, code })
      })
    })
    asked.once('error', reject)
    asked.end()
  })
}

async function setUp(env: Record<string, string> = {}) {
  const authority = new TestAuthority()
  const server = authority.issue('gateway')
  const topic = await makeTopic()
  const auth = authFiles(`rules: [{ to: ['cert:device-7'], allow: [consume], topics: ['${topic}'] }]`, [])
  const gateway = await startTestGateway({
    SLUICE_POLICY_FILE: auth.env.SLUICE_POLICY_FILE!,
    SLUICE_TLS_CERT_FILE: server.cert,
    SLUICE_TLS_KEY_FILE: server.key,
    SLUICE_TLS_CLIENT_CA_FILE: authority.certificate,
    ...env,
  })
  const ca = readFileSync(authority.certificate)
  const device = authority.issue('device-7')
  const certificate = { ca, cert: readFileSync(device.cert), key: readFileSync(device.key) }
  return { authority, server, topic, gateway, ca, certificate, path: `${gateway.url}/v1/topics/${topic}` }
}

it('serves HTTPS, and knows who shows a certificate of its authorities', async () => {
  const { gateway, path, ca, certificate } = await setUp()
  expect(gateway.url).toMatch(/^https:/)
  expect(await ask(path, certificate)).toEqual({ status: 200, code: undefined })
  expect(await ask(path, { ca })).toEqual({ status: 401, code: 'unauthenticated' })
  const stranger = new TestAuthority().issue('device-7')
  const foreign = { ca, cert: readFileSync(stranger.cert), key: readFileSync(stranger.key) }
  expect(await ask(path, foreign)).toEqual({ status: 401, code: 'unauthenticated' })
})

it('serves WebSockets over TLS to whoever shows a certificate', async () => {
  const { gateway, topic, ca, certificate } = await setUp()
  const url = `${gateway.url.replace('https', 'wss')}/v1/ws?topics=${topic}`
  const socket = new WebSocket(url, certificate)
  const [message] = (await once(socket, 'message')) as [Buffer]
  expect(JSON.parse(message.toString('utf8'))).toMatchObject({ type: 'assigned' })
  socket.terminate()
  const without = new WebSocket(url, { ca })
  const [error] = (await once(without, 'error')) as [Error]
  expect(error.message).toContain('401')
})

it('does not take a browser at its certificate for a page of another origin', async () => {
  const { path, certificate, gateway } = await setUp()
  const from = (origin: string) => ask(path, { ...certificate, headers: { origin } })
  expect(await from('https://evil.example')).toEqual({ status: 403, code: 'origin_not_allowed' })
  expect((await from(gateway.url)).status).toBe(200)
})

it('lets nobody connect without a certificate where one is required', async () => {
  const { path, ca, certificate } = await setUp({ SLUICE_TLS_CLIENT_AUTH: 'required' })
  await expect(ask(path, { ca })).rejects.toThrow()
  expect((await ask(path, certificate)).status).toBe(200)
})

it('shows a renewed certificate as soon as its files have changed, without a restart', async () => {
  const { authority, server, gateway, ca } = await setUp()
  const { port } = new URL(gateway.url)
  const shown = async () => {
    const socket = connectTls({ port: Number(port), host: '127.0.0.1', ca })
    await once(socket, 'secureConnect')
    const { CN } = socket.getPeerCertificate().subject
    socket.destroy()
    return CN
  }
  expect(await shown()).toBe('gateway')
  const renewed = authority.issue('renewed')
  copyFileSync(renewed.key, server.key)
  copyFileSync(renewed.cert, server.cert)
  await expect.poll(shown, { timeout: 10_000 }).toBe('renewed')
})

it.each(['optional', 'required'])(
  'lets go of those whose authority was taken away, on open connections too, and of no others (%s)',
  async (mode) => {
    const { authority, topic, gateway, ca, certificate } = await setUp({ SLUICE_TLS_CLIENT_AUTH: mode })
    const other = new TestAuthority()
    const issued = other.issue('device-7')
    const stays = { ca, cert: readFileSync(issued.cert), key: readFileSync(issued.key) }
    const own = readFileSync(authority.certificate, 'utf8')
    const both = own + readFileSync(other.certificate, 'utf8')
    writeFileSync(authority.certificate, both)
    const url = `${gateway.url.replace('https', 'wss')}/v1/ws?topics=${topic}`
    const path = `${gateway.url}/v1/topics/${topic}`
    await expect
      .poll(() => ask(path, stays).catch(() => 0), { timeout: 10_000 })
      .toMatchObject({ status: 200 })
    const of = async (tls: typeof certificate) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1, ...tls })
      onTestFinished(() => agent.destroy())
      const socket = new WebSocket(url, tls)
      onTestFinished(() => socket.terminate())
      const closed = once(socket, 'close') as Promise<[number]>
      await once(socket, 'message')
      const again = () =>
        ask(path, { agent }).then(
          ({ status }) => status,
          () => 'cut',
        )
      expect(await again()).toBe(200)
      return { socket, closed, again }
    }
    const [goes, kept] = [await of(certificate), await of(stays)]
    writeFileSync(authority.certificate, readFileSync(other.certificate))
    expect((await goes.closed)[0]).toBe(4401)
    if (mode === 'optional') expect(await goes.again()).toBe(401)
    else await expect.poll(goes.again, { timeout: 5_000 }).toBe('cut')
    expect(await kept.again()).toBe(200)
    expect(kept.socket.readyState).toBe(WebSocket.OPEN)
  },
)
