import { afterAll, beforeAll } from 'vitest'
import { smallJvm } from '../../dev/kafka/broker.ts'
import { freePort } from '../../dev/kafka/free-port.ts'
import { startTemporaryBroker } from '../../dev/kafka/temporary-broker.ts'
import { STORE_PASSWORD, TestAuthority } from './certificates.ts'
import { KafkaProxy } from './kafka-proxy.ts'
import { kafkaTool } from './kafka-tools/index.ts'
import { TokenServer } from './token-server.ts'

const login = (module: string, options = '') =>
  `org.apache.kafka.common.security.${module}LoginModule required ${options};`

/** One broker with a listener for each way to be secured, for the tests of one file. */
export interface SecuredKafka {
  /** Without any, for the tests' own tools. */
  readonly open: string
  /** TLS and any SASL mechanism. */
  readonly sasl: string
  /** TLS, and the client's certificate. */
  readonly mtls: string
  /** TLS with a certificate that has expired, and with one for another host. */
  readonly expired: string
  readonly elsewhere: string
  /** Any SASL mechanism without TLS, through the proxy; logins expire. */
  readonly brief: string
  readonly proxy: KafkaProxy
  readonly authority: TestAuthority
  readonly tokens: TokenServer
  /** Gives a SCRAM user this password. */
  setPassword(user: string, password: string): Promise<void>
}

/** How long a login at the listener `brief` holds, ms. */
export const BRIEF_MS = 3_000

/**
 * Starts it before the tests of the file. User `sluice` has password `right-plain` for PLAIN and `right-scram` for SCRAM;
 * tokens are those of the token server.
 */
export function useSecuredKafka(): SecuredKafka {
  const kafka = {} as { -readonly [K in keyof SecuredKafka]: SecuredKafka[K] }
  beforeAll(async () => {
    kafka.authority = new TestAuthority(afterAll)
    kafka.tokens = await TokenServer.start()
    kafka.proxy = await KafkaProxy.start()
    const { authority, tokens, proxy } = kafka
    const ports = await Promise.all(Array.from({ length: 6 }, freePort))
    const [sasl, mtls, expired, elsewhere, brief, open] = ports.map((port) => `127.0.0.1:${port}`) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    proxy.target = ports[4]
    const mechanisms = {
      plain: login('plain.Plain', 'user_sluice="right-plain"'),
      'scram-sha-256': login('scram.Scram'),
      'scram-sha-512': login('scram.Scram'),
      oauthbearer: login('oauthbearer.OAuthBearer'),
    }
    const jaas = Object.entries(mechanisms).flatMap(([name, config]) =>
      ['sasl', 'brief'].map((listener) => [`listener.name.${listener}.${name}.sasl.jaas.config`, config]),
    )
    const handler = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler'
    const stores = { sasl: {}, mtls: {}, expired: { days: 0 }, elsewhere: { san: 'DNS:kafka.example' } }
    const ssl = Object.entries(stores).flatMap(([listener, options]) => [
      [`listener.name.${listener}.ssl.keystore.location`, authority.issue(listener, options).store],
      [`listener.name.${listener}.ssl.keystore.type`, 'PKCS12'],
      [`listener.name.${listener}.ssl.keystore.password`, STORE_PASSWORD],
      [`listener.name.${listener}.ssl.key.password`, STORE_PASSWORD],
    ])
    const started = await startTemporaryBroker({
      port: ports[5]!,
      listeners: [
        `SASL://${sasl}`,
        `MTLS://${mtls}`,
        `EXPIRED://${expired}`,
        `ELSEWHERE://${elsewhere}`,
        `BRIEF://${brief}`,
      ],
      jvm: [...smallJvm, `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.keysUrl}`],
      configs: {
        'listener.security.protocol.map':
          'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MTLS:SSL,EXPIRED:SSL,ELSEWHERE:SSL,BRIEF:SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
        ...Object.fromEntries([...jaas, ...ssl]),
        'listener.name.sasl.oauthbearer.sasl.server.callback.handler.class': handler,
        'listener.name.brief.oauthbearer.sasl.server.callback.handler.class': handler,
        'sasl.oauthbearer.jwks.endpoint.url': tokens.keysUrl,
        'sasl.oauthbearer.expected.audience': 'kafka',
        'sasl.oauthbearer.expected.issuer': tokens.issuer,
        'listener.name.mtls.ssl.client.auth': 'required',
        'listener.name.mtls.ssl.truststore.type': 'PEM',
        'listener.name.mtls.ssl.truststore.location': authority.certificate,
        ...Object.fromEntries(
          Object.keys(mechanisms).map((name) => [
            `listener.name.brief.${name}.connections.max.reauth.ms`,
            String(BRIEF_MS),
          ]),
        ),
        'advertised.listeners': [
          `PLAINTEXT://${open}`,
          `SASL://${sasl},MTLS://${mtls},EXPIRED://${expired},ELSEWHERE://${elsewhere}`,
          `BRIEF://127.0.0.1:${proxy.port}`,
        ].join(','),
      },
    })
    Object.assign(kafka, {
      open: started.bootstrap,
      sasl,
      mtls,
      expired,
      elsewhere,
      brief: `127.0.0.1:${proxy.port}`,
      stop: () => started.stop(),
      async setPassword(user: string, password: string) {
        const entity = ['--entity-type', 'users', '--entity-name', user]
        // One request takes one mechanism of a user.
        for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
          const credential = `${mechanism}=[iterations=4096,password=${password}]`
          const change = ['--alter', ...entity, '--add-config', credential]
          await kafkaTool('kafka-configs', change, started.bootstrap)
        }
      },
    })
    await kafka.setPassword('sluice', 'right-scram')
  })
  afterAll(async () => {
    await (kafka as unknown as { stop?: () => Promise<void> }).stop?.()
    await kafka.proxy?.close()
    await kafka.tokens?.stop()
  })
  return kafka
}
