import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/config.ts'
import { clockVerdict } from '../../../src/doctor/clock.ts'
import { acksVerdict } from '../../../src/doctor/here/settings.ts'
import { memoryVerdict } from '../../../src/doctor/here/machine.ts'
import { exposureVerdicts } from '../../../src/doctor/here/listener.ts'
import { featuresVerdict, versionsVerdicts } from '../../../src/doctor/kafka/brokers.ts'
import {
  groupTimeoutsVerdict,
  producerExpiryVerdicts,
  recordSizeVerdict,
  transactionTimeoutVerdict,
} from '../../../src/doctor/kafka/limits.ts'
import { lackingIn } from '../../../src/kafka/survey/needed-apis.ts'
import { operationsIn } from '../../../src/kafka/survey/operations.ts'

const config = (env: Record<string, string> = {}) => loadConfig({ KAFKA_BROKERS: 'kafka:9092', ...env })
const MIB = 1_048_576

describe('limits of Kafka beside those of the gateway', () => {
  const kafka = (configs: Record<string, string>) => new Map([[1, new Map(Object.entries(configs))]])

  it('a session timeout that Kafka refuses keeps everybody from being a member of a group', () => {
    const configs = kafka({ 'group.min.session.timeout.ms': '6000', 'group.max.session.timeout.ms': '30000' })
    expect(groupTimeoutsVerdict(config(), configs).status).toBe('ok')
    for (const ms of ['5999', '30001']) {
      const own = config({ SLUICE_GROUP_SESSION_TIMEOUT_MS: ms })
      expect(groupTimeoutsVerdict(own, configs)).toMatchObject({ status: 'problem' })
    }
  })

  it('a transaction may last as long as it asks for, with the seconds for its end', () => {
    const configs = kafka({ 'transaction.max.timeout.ms': '15000' })
    expect(transactionTimeoutVerdict(config(), configs).status).toBe('ok')
    const own = config({ SLUICE_PRODUCE_TIMEOUT_MS: '10001' })
    expect(transactionTimeoutVerdict(own, configs)).toMatchObject({
      status: 'problem',
      fix: expect.stringContaining('to 10000 or less'),
    })
  })

  it('records that Kafka takes and the gateway does not are warned of', () => {
    expect(recordSizeVerdict(config(), kafka({ 'message.max.bytes': '1048588' })).status).toBe('ok')
    expect(recordSizeVerdict(config(), kafka({ 'message.max.bytes': '20000000' })).status).toBe('warning')
  })

  it('what may be repeated for less than an hour is', () => {
    const day = { 'producer.id.expiration.ms': '86400000', 'transactional.id.expiration.ms': '604800000' }
    expect(producerExpiryVerdicts(kafka(day))).toMatchObject({ status: 'ok' })
    expect(producerExpiryVerdicts(kafka({ ...day, 'producer.id.expiration.ms': '60000' }))).toMatchObject([
      { status: 'warning', subject: 'producer.id.expiration.ms', seen: expect.stringContaining('60 s') },
    ])
  })

  it('is not judged where Kafka does not tell it', () => {
    const none = new Map()
    const said = [
      groupTimeoutsVerdict(config(), none),
      transactionTimeoutVerdict(config(), none),
      recordSizeVerdict(config(), none),
      producerExpiryVerdicts(none),
    ]
    expect(said.flat().map(({ status }) => status)).toEqual(Array(4).fill('skipped'))
  })
})

describe('clocks', () => {
  const limit = { ms: 30_000, breaks: 'tokens are refused' }

  it('are as near as they can be read, away by seconds, or too far for what needs them', () => {
    expect(clockVerdict('its', 3, 5, limit)).toMatchObject({
      status: 'ok',
      seen: "its clock is this machine's, to 5 ms",
    })
    expect(clockVerdict('its', -10_000, 5, limit)).toMatchObject({
      status: 'warning',
      seen: expect.stringContaining('10.0 s behind'),
    })
    expect(clockVerdict('its', 31_000, 5, limit)).toMatchObject({
      status: 'problem',
      seen: expect.stringContaining('tokens are refused'),
    })
    // As far as is certain.
    expect(clockVerdict('its', 31_000, 2_000, limit).status).toBe('warning')
  })
})

describe('what a gateway takes and opens', () => {
  it('memory that its buffers can not have is a problem; that of standing streams a warning', () => {
    const sizes = [100, 512, 4_096].map(
      (mib) => memoryVerdict(config(), { bytes: mib * MIB, of: 'container' }).status,
    )
    expect(sizes).toEqual(['problem', 'warning', 'ok'])
    const workers = config({ SLUICE_WORKERS: '8' })
    expect(memoryVerdict(workers, { bytes: 1_024 * MIB, of: 'container' }).status).toBe('problem')
  })

  it('a port that others reach is warned of where nobody shows who they are, or shows it without TLS', () => {
    const open = config({ SLUICE_HOST: '0.0.0.0', SLUICE_INSECURE: 'true', SLUICE_ALLOWED_ORIGINS: '*' })
    expect(exposureVerdicts(open)).toMatchObject([{ status: 'warning' }, { status: 'warning' }])
    const keys = { SLUICE_HOST: '0.0.0.0', SLUICE_API_KEYS_FILE: 'keys', SLUICE_POLICY_FILE: 'policy' }
    expect(exposureVerdicts(config(keys))).toMatchObject([
      { status: 'warning', seen: expect.stringContaining('unencrypted') },
    ])
    const tls = { ...keys, SLUICE_TLS_CERT_FILE: 'cert', SLUICE_TLS_KEY_FILE: 'key' }
    expect(exposureVerdicts(config(tls))).toMatchObject({ status: 'ok' })
    expect(exposureVerdicts(config())).toMatchObject({ status: 'ok' })
  })

  it('acks=1 is warned of, for all topics and for some', () => {
    expect(acksVerdict(config())).toMatchObject({ status: 'ok' })
    expect(acksVerdict(config({ SLUICE_PRODUCE_ACKS: '1' }))).toMatchObject({ status: 'warning' })
    const some = config({ SLUICE_TOPIC_DEFAULTS: 'logs-*: acks=1' })
    expect(acksVerdict(some)).toMatchObject({ status: 'warning', seen: expect.stringContaining('logs-*') })
  })
})

describe('what brokers say they speak', () => {
  const answer = (metadataVersion: number, transactionVersion: number, keys: number[]) => ({
    errorCode: 0,
    apiKeys: keys.map((apiKey) => ({ apiKey, minVersion: 0, maxVersion: 99 })),
    supportedFeatures: [{ name: 'metadata.version', minVersion: 1, maxVersion: metadataVersion }],
    finalizedFeatures: [{ name: 'transaction.version', maxVersionLevel: transactionVersion }],
  })
  const every = Array.from({ length: 90 }, (_, key) => key)

  it('is enough, too little for some of it, or too little for anything', () => {
    expect(lackingIn(answer(30, 2, every))).toEqual({ essential: [], optional: [] })
    const older = { apiKeys: every.map((apiKey) => ({ apiKey, minVersion: 0, maxVersion: 1 })) }
    expect(lackingIn(older).essential).toContain('producing')
    const versions = new Map([
      [1, answer(30, 2, every)],
      [
        2,
        answer(
          30,
          2,
          every.filter((key) => key !== 48),
        ),
      ],
    ])
    expect(versionsVerdicts(versions)).toMatchObject([
      { status: 'warning', subject: 'broker 2', seen: expect.stringContaining('quotas') },
    ])
    expect(versionsVerdicts(new Map([[1, answer(30, 2, [3])]]))).toMatchObject([{ status: 'problem' }])
  })

  it('of an upgrade that is not finished, or whose features are not turned on, is warned of', () => {
    const mixed = new Map([
      [1, answer(30, 1, every)],
      [2, answer(22, 1, every)],
    ])
    expect(versionsVerdicts(mixed)).toMatchObject([
      { status: 'warning', seen: expect.stringContaining('1: 4.3, 2: 4.0') },
    ])
    expect(featuresVerdict(mixed, 'kafka:9092')).toMatchObject({
      status: 'warning',
      fix: expect.stringContaining('--bootstrap-server kafka:9092 upgrade --feature transaction.version=2'),
    })
  })
})

it('rights are read bit by bit, and not at all where Kafka was not asked', () => {
  expect([...operationsIn((1 << 3) | (1 << 8))!]).toEqual(['read', 'describe'])
  expect(operationsIn(-2_147_483_648)).toBeUndefined()
})
