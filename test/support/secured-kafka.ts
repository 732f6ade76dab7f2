import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { smallJvm } from '../../dev/kafka/broker.ts'
import { freePort } from '../../dev/kafka/free-port.ts'
import { startTemporaryBroker } from '../../dev/kafka/temporary-broker.ts'
import { KEY_PASSWORD, TestAuthority } from './certificates.ts'
import { KafkaProxy } from '../../dev/kafka/kafka-proxy.ts'
import { kafkaTool } from './kafka-tools/index.ts'
import { CLIENT, TokenServer } from './token-server.ts'

/** docs/kafka-security.md with the names and paths of this machine in place of its own. */
export interface SecurityPage {
  /** What the brokers' settings come to. */
  readonly broker: Readonly<Record<string, string>>
  /** The gateways' settings, an example each. */
  readonly gateways: Record<string, string>[]
  /** Arguments of kafka-configs that give the user of SCRAM its password. */
  readonly setPassword: string[]
}

/** One broker with a listener for each way to be secured, for the tests of one file. */
export interface SecuredKafka {
  /** Without any, for the tests' own tools. */
  readonly open: string
  readonly page: SecurityPage
  /** TLS and any SASL mechanism. */
  readonly sasl: string
  /** TLS, and the client's certificate. */
  readonly mtls: string
  /** TLS with a certificate that has expired, and with one for another host. */
  readonly expired: string
  readonly elsewhere: string
  /** Any SASL mechanism without TLS, through the proxy; logins expire. */
  readonly brief: string
  /** Without any, and advertised at a name that no machine has. */
  readonly away: string
  readonly proxy: KafkaProxy
  readonly authority: TestAuthority
  readonly tokens: TokenServer
  /** Gives a SCRAM user this password. */
  setPassword(user: string, password: string): Promise<void>
}

/** How long a login at the listener `brief` holds, ms. */
export const BRIEF_MS = 3_000

/**
 * Starts it before the tests of the file, its listeners with TLS by the settings in docs/kafka-security.md. User `sluice`
 * has password `plain-secret` for PLAIN and `scram-secret` for SCRAM; tokens are those of the token server.
 * @param configs further settings of the broker, or in place of those
 */
export function useSecuredKafka(configs: Readonly<Record<string, string>> = {}): SecuredKafka {
  const kafka = {} as { -readonly [K in keyof SecuredKafka]: SecuredKafka[K] }
  beforeAll(async () => {
    kafka.authority = new TestAuthority(afterAll)
    kafka.tokens = await TokenServer.start()
    kafka.proxy = await KafkaProxy.start()
    const { authority, tokens, proxy } = kafka
    const ports = await Promise.all(Array.from({ length: 7 }, freePort))
    const [sasl, mtls, expired, elsewhere, briefly, open, away] = ports.map(
      (port) => `127.0.0.1:${port}`,
    ) as [string, string, string, string, string, string, string]
    proxy.target = ports[4]
    const broker = authority.issue('broker')
    const own = authority.issue('gateway')
    const inFile = (name: string, text: string) => {
      const path = join(authority.dir, name)
      writeFileSync(path, `${text}\n`)
      return path
    }
    const page = securityPage({
      'kafka.example:9093': sasl,
      'kafka.example:9094': mtls,
      'https://login.example': tokens.issuer,
      '/etc/kafka/broker.p12': broker.store,
      '/etc/kafka/ca.pem': authority.certificate,
      '/etc/sluice/ca.pem': authority.certificate,
      '/etc/sluice/gateway.pem': own.cert,
      '/etc/sluice/gateway.key': own.encryptedKey,
      '/etc/sluice/key-password': inFile('key-password', KEY_PASSWORD),
      '/etc/sluice/password': inFile('password', 'scram-secret'),
      '/etc/sluice/client-secret': inFile('client-secret', CLIENT.secret),
      '/etc/sluice/token': inFile('token', tokens.token()),
    })
    // The listener BRIEF knows the same credentials as SASL_SSL.
    const brief = Object.entries(page.broker)
      .filter(([name]) => name.startsWith('listener.name.sasl_ssl.'))
      .map(([name, value]) => [name.replace('sasl_ssl', 'brief'), value])
    const stores = { expired: { days: 0 }, elsewhere: { san: 'DNS:kafka.example' } }
    const ssl = Object.entries(stores).map(([listener, options]) => [
      `listener.name.${listener}.ssl.keystore.location`,
      authority.issue(listener, options).store,
    ])
    const protocols = ['PLAINTEXT', 'SASL_SSL', 'SSL'].map((name) => `${name}:${name}`)
    const listeners = [
      `SASL_SSL://${sasl}`,
      `SSL://${mtls}`,
      `EXPIRED://${expired}`,
      `ELSEWHERE://${elsewhere}`,
    ]
    const started = await startTemporaryBroker({
      port: ports[5]!,
      listeners: [...listeners, `BRIEF://${briefly}`, `AWAY://${away}`],
      jvm: [...smallJvm, `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.keysUrl}`],
      configs: {
        ...page.broker,
        ...Object.fromEntries([...ssl, ...brief]),
        'listener.security.protocol.map': [
          ...protocols,
          'CONTROLLER:PLAINTEXT,EXPIRED:SSL,ELSEWHERE:SSL,BRIEF:SASL_PLAINTEXT,AWAY:PLAINTEXT',
        ].join(','),
        ...Object.fromEntries(
          ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'].map((name) => [
            `listener.name.brief.${name}.connections.max.reauth.ms`,
            String(BRIEF_MS),
          ]),
        ),
        'advertised.listeners': [
          `PLAINTEXT://${open}`,
          ...listeners,
          `BRIEF://127.0.0.1:${proxy.port}`,
          'AWAY://kafka.invalid:9092',
        ].join(','),
        ...configs,
      },
    })
    Object.assign(kafka, {
      open: started.bootstrap,
      page,
      sasl,
      mtls,
      expired,
      elsewhere,
      brief: `127.0.0.1:${proxy.port}`,
      away,
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
    await kafkaTool('kafka-configs', page.setPassword, started.bootstrap)
    const alter256 = page.setPassword.map((word) => word.replace('SHA-512', 'SHA-256'))
    await kafkaTool('kafka-configs', alter256, started.bootstrap)
  })
  afterAll(async () => {
    await (kafka as unknown as { stop?: () => Promise<void> }).stop?.()
    await kafka.proxy?.close()
    await kafka.tokens?.stop()
  })
  return kafka
}

/** @param here what stands for names and paths of the page */
function securityPage(here: Readonly<Record<string, string>>): SecurityPage {
  let text = readFileSync(join(import.meta.dirname, '../../docs/kafka-security.md'), 'utf8')
  for (const [there, ours] of Object.entries(here)) text = text.replaceAll(there, ours)
  const blocks = (language: string) =>
    [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(([, block]) => block!)
  const settings = (block: string) =>
    Object.fromEntries(
      block
        .trim()
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
  const shell = blocks('sh')
  const tool = shell.find((block) => block.startsWith('kafka-configs.sh'))!
  const words = tool.replaceAll('\\\n', '').match(/'[^']*'|\S+/g)!
  return {
    broker: Object.assign({}, ...blocks('properties').map(settings)) as Record<string, string>,
    gateways: shell.filter((block) => block !== tool).map(settings),
    setPassword: words.slice(words.indexOf('--alter')).map((word) => word.replaceAll("'", '')),
  }
}
