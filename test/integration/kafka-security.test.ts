import { freePort } from '../../dev/kafka/free-port.ts'
import { startTemporaryBroker } from '../../dev/kafka/temporary-broker.ts'
import { expect, it, onTestFinished } from 'vitest'
import { STORE_PASSWORD, TestAuthority } from '../support/certificates.ts'
import { startTestGateway } from '../support/gateway.ts'
import { http } from '../support/http.ts'

const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
const unsecured = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required'

/** A broker that wants TLS and a password on one port, and a client certificate on another. */
async function startSecuredBroker(authority: TestAuthority) {
  const [saslPort, mtlsPort] = [await freePort(), await freePort()]
  const { store } = authority.issue('broker')
  const prefix = 'listener.name.sasl'
  const broker = await startTemporaryBroker({
    listeners: [`SASL://127.0.0.1:${saslPort}`, `MTLS://127.0.0.1:${mtlsPort}`],
    configs: {
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MTLS:SSL',
      'sasl.enabled.mechanisms': 'PLAIN,OAUTHBEARER',
      [`${prefix}.plain.sasl.jaas.config`]: `${plain} user_sluice="right";`,
      [`${prefix}.oauthbearer.sasl.jaas.config`]: `${unsecured} unsecuredLoginStringClaim_sub="unused";`,
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': store,
      'ssl.keystore.password': STORE_PASSWORD,
      'ssl.key.password': STORE_PASSWORD,
      'listener.name.mtls.ssl.client.auth': 'required',
      'listener.name.mtls.ssl.truststore.type': 'PEM',
      'listener.name.mtls.ssl.truststore.location': authority.certificate,
    },
  })
  onTestFinished(() => broker.stop())
  return { sasl: `127.0.0.1:${saslPort}`, mtls: `127.0.0.1:${mtlsPort}` }
}

/** A JWT without a signature, as Kafka's unsecured validator takes them. */
function unsecuredToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  return `${part({ alg: 'none' })}.${part({ sub: 'sluice', iat: now, exp: now + 3600 })}.`
}

it('reaches a broker over TLS with a password, a token or a certificate, and says so where Kafka refuses', async () => {
  const authority = new TestAuthority()
  const broker = await startSecuredBroker(authority)
  const { cert, key } = authority.issue('gateway')
  const tls = { KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: authority.certificate }
  const password = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'sluice' }
  const token = { KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_SASL_TOKEN: unsecuredToken() }

  const accepted = [
    { KAFKA_BROKERS: broker.sasl, ...tls, ...password, KAFKA_SASL_PASSWORD: 'right' },
    { KAFKA_BROKERS: broker.sasl, ...tls, ...token },
    { KAFKA_BROKERS: broker.mtls, ...tls, KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key },
  ]
  for (const [n, env] of accepted.entries()) {
    const api = http(await startTestGateway(env))
    expect((await api.post('/v1/topics', { name: `secured-${n}` })).status).toBe(201)
    expect((await api.post(`/v1/topics/secured-${n}/records`, { value: 'kept secret' })).status).toBe(200)
    const { json } = await api.get(`/v1/topics/secured-${n}/records?from=earliest`)
    expect(json).toMatchObject({ records: [{ value: 'kept secret' }] })
  }

  const refused = [
    { KAFKA_BROKERS: broker.sasl, ...tls, ...password, KAFKA_SASL_PASSWORD: 'wrong' },
    // An authority of one's own is wanted, and the system's do not know it.
    { KAFKA_BROKERS: broker.sasl, KAFKA_TLS: 'true', ...password, KAFKA_SASL_PASSWORD: 'right' },
    { KAFKA_BROKERS: broker.mtls, ...tls },
  ]
  for (const env of refused) {
    const api = http(await startTestGateway(env))
    for (const answer of [
      await api.get('/readyz'),
      await api.post('/v1/topics/secured-0/records', { value: 1 }),
    ]) {
      expect(answer).toMatchObject({ status: 502, json: { code: 'kafka_auth_failed' } })
      expect(answer.text).not.toMatch(/right|wrong|127\.0\.0\.1|sasl|ssl/i)
    }
  }
})
