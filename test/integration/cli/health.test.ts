import { describe, expect, it } from 'vitest'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { authFiles } from '../../support/auth.ts'
import { Cli } from '../../support/cli.ts'
import { startTestGateway } from '../../support/gateway.ts'

/** The command as a HEALTHCHECK runs it: SLUICE_URL, which is set here, is not what it goes by. */
const cli = new Cli({ url: 'http://127.0.0.1:1' })
const health = (env: Record<string, string>, ...args: string[]) => cli.run(['health', ...args], { env })
const well = { code: 0, stdout: 'ok\n', stderr: '' }

describe('sluice health', () => {
  it('asks the gateway that has the same settings, of SLUICE_PORT or PORT, and fails where none answers', async () => {
    const port = String(await freePort())
    const own = { SLUICE_HOST: '0.0.0.0', SLUICE_PORT: port }
    const platform = { SLUICE_HOST: '::', PORT: port }
    expect(await health(own)).toEqual({
      code: 1,
      stdout: '',
      stderr: `sluice: http://127.0.0.1:${port}/healthz does not answer (ECONNREFUSED).\n`,
    })
    await startTestGateway({
      SLUICE_PORT: '',
      SLUICE_INSECURE: 'true',
      ...platform,
      KAFKA_BROKERS: '127.0.0.1:1',
    })
    expect(await Promise.all([health(own), health(platform)])).toEqual([well, well])
    const { code, stderr } = await health(own, '--ready')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^sluice: .*\(kafka_unavailable\)\.\n$/),
    })
  })

  it('speaks HTTPS to a gateway that does, and takes its asking for a certificate for a sign of life', async () => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('gateway', { san: 'DNS:sluice.example' })
    const tls = { SLUICE_TLS_CERT_FILE: cert, SLUICE_TLS_KEY_FILE: key }
    const plain = await startTestGateway(tls)
    const { SLUICE_POLICY_FILE = '' } = authFiles('rules: []', []).env
    const mutual = {
      ...tls,
      SLUICE_POLICY_FILE,
      SLUICE_TLS_CLIENT_CA_FILE: authority.certificate,
      SLUICE_TLS_CLIENT_AUTH: 'required',
    }
    const strict = await startTestGateway(mutual)
    const at = ({ url }: { url: string }) => ({ SLUICE_PORT: new URL(url).port })
    const of = { ...tls, ...at(plain) }
    expect(
      await Promise.all([health(of), health(of, '--ready'), health({ ...mutual, ...at(strict) })]),
    ).toEqual([well, well, well])
    // Another's certificate has to be good.
    expect((await health({}, '--url', plain.url)).code).toBe(1)
  })

  it('is not taken in by whatever else listens there', async () => {
    const { url } = await startTestGateway()
    const other = `${url}/v1/topics/`
    expect(await health({}, '--url', url)).toEqual(well)
    expect((await health({}, '--url', other)).code).toBe(1)
    expect((await health({ SLUICE_PORT: 'x' })).stderr).toBe(
      'sluice: SLUICE_PORT: expected an integer from 0 to 65535.\n',
    )
    expect((await health({ SLUICE_PORT: '0' })).code).toBe(1)
  })
})
