import { type Config, ConfigError, loadConfig } from '../config/config.ts'
import { settings } from '../config/settings.ts'
import type { CheckName } from './checks.ts'
import { type Finding, ok } from './finding.ts'
import { Findings } from './findings.ts'
import { auditLogVerdict, keysFileVerdict, policyFileVerdict, secretFilesVerdict } from './here/files.ts'
import { exposureVerdicts, metricsPortVerdicts, portVerdicts } from './here/listener.ts'
import { memoryVerdict, openFilesVerdict } from './here/machine.ts'
import { acksVerdict, settingProblems, understood } from './here/settings.ts'
import { kafkaCertificateVerdicts, listenerCertificateVerdicts } from './here/tls-files.ts'
import { examineKafka } from './kafka/kafka.ts'
import { identityProviderVerdicts } from './others/identity-provider.ts'
import { tracesVerdict } from './others/traces.ts'

export { type CheckName, checkNames, checks } from './checks.ts'
export type { Finding, Status } from './finding.ts'

/** All together end within this, ms, whatever does not answer. */
const TOTAL_MS = 14_000

/** What a gateway does with its settings as a whole; not to be looked at where they can't be read. */
const ofTheWhole = [
  'acks',
  'exposure',
  'port',
  'metrics-port',
  'audit-log',
  'open-files',
  'memory',
  'identity-provider',
  'traces',
] as const

/**
 * Looks at what a gateway with this environment would meet: settings, files, the machine, Kafka and the other services.
 * Nothing is written anywhere. Checks are made side by side, each with a deadline.
 * @param except checks not to be made
 */
export async function examine(env: NodeJS.ProcessEnv, except: ReadonlySet<CheckName>): Promise<Finding[]> {
  const findings = new Findings(except)
  const stopping = new AbortController()
  const { config, problems } = configOf(env)
  const whole = problems.length === 0
  await Promise.race([
    Promise.all([
      findings.make('settings', () =>
        whole ? understood(config!, settingsSet(env)) : settingProblems(problems),
      ),
      examineFiles(findings, env, config),
      whole
        ? examineRest(findings, config!)
        : findings.skip(ofTheWhole, 'not before the settings are understood'),
      examineKafka(findings, config, stopping.signal),
    ]),
    timer(TOTAL_MS),
  ])
  stopping.abort()
  return findings.all(`no answer within ${TOTAL_MS / 1_000} s`)
}

/**
 * The configuration, and all that is wrong with it. Where its Kafka part alone is fine it is that part, so that the
 * connection is looked at in any case.
 */
function configOf(env: NodeJS.ProcessEnv): {
  readonly config: Config | undefined
  readonly problems: readonly string[]
} {
  const noBrokers = env.KAFKA_BROKERS
    ? []
    : [
        'KAFKA_BROKERS: expected host:port, several separated by commas, unless `sluice up` is to start a Kafka',
      ]
  try {
    return { config: loadConfig(env), problems: noBrokers }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const kafka = Object.entries(env).filter(([name]) => !name.startsWith('SLUICE_'))
    return { config: loaded(Object.fromEntries(kafka)), problems: [...error.problems, ...noBrokers] }
  }
}

function loaded(env: NodeJS.ProcessEnv): Config | undefined {
  try {
    return loadConfig(env)
  } catch {
    return undefined
  }
}

function settingsSet(env: NodeJS.ProcessEnv): number {
  return Object.keys(settings).filter((name) => env[name]).length
}

/** Files are looked at by their settings alone, whatever else is wrong. */
async function examineFiles(
  findings: Findings,
  env: NodeJS.ProcessEnv,
  config: Config | undefined,
): Promise<void> {
  const {
    SLUICE_API_KEYS_FILE: keys,
    SLUICE_POLICY_FILE: policy,
    SLUICE_TLS_CERT_FILE: certFile,
    SLUICE_TLS_KEY_FILE: keyFile,
    SLUICE_TLS_CLIENT_CA_FILE: clientCaFile,
  } = env
  const tls =
    certFile && keyFile
      ? { certFile, keyFile, ...(clientCaFile && { clientCaFile }), requireClientCert: false }
      : undefined
  await Promise.all([
    findings.make('keys-file', () => (keys ? keysFileVerdict(keys) : ok('there is none'))),
    findings.make('policy-file', () => (policy ? policyFileVerdict(policy) : ok('there is none'))),
    findings.make('secret-files', () => secretFilesVerdict(env)),
    findings.make('listener-certificate', () =>
      listenerCertificateVerdicts(tls, env.SLUICE_HOST || '127.0.0.1'),
    ),
    config !== undefined &&
      findings.make('kafka-certificate', () => kafkaCertificateVerdicts(config.kafka.tls)),
  ])
  findings.skip(['kafka-certificate'], 'not before the settings are understood')
}

async function examineRest(findings: Findings, config: Config): Promise<void> {
  await Promise.all([
    findings.make('acks', () => acksVerdict(config)),
    findings.make('audit-log', () => auditLogVerdict(config)),
    findings.make('exposure', () => exposureVerdicts(config)),
    findings.make('port', () => portVerdicts(config)),
    findings.make('metrics-port', () => metricsPortVerdicts(config)),
    findings.make('open-files', () => openFilesVerdict(config)),
    findings.make('memory', () => memoryVerdict(config)),
    findings.make('identity-provider', () => identityProviderVerdicts(config.auth?.jwt)),
    findings.make('traces', () => tracesVerdict(config)),
  ])
}

function timer(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, ms).unref()
  return promise
}
