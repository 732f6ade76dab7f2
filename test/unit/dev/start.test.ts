import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dockerArguments } from '../../../dev/kafka/docker.ts'
import { freePort, listenError } from '../../../dev/kafka/free-port.ts'
import { parseJavaVersion } from '../../../dev/kafka/java.ts'
import { lastWord } from '../../../dev/kafka/readiness.ts'
import { serverProperties } from '../../../dev/kafka/server-properties.ts'
import { banner } from '../../../dev/start/banner.ts'
import { Progress } from '../../../dev/start/progress.ts'
import { readable, startLog } from '../../../dev/start/readable-log.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

describe('banner', () => {
  const facts = {
    url: 'http://0.0.0.0:8080',
    brokers: ['a:1', 'b:2'],
    kafkaVersion: '4.3.1',
    websocat: false,
  }

  it('shows addresses that this machine can reach', () => {
    expect(banner(facts)).toContain('Sluice   http://127.0.0.1:8080 ')
    expect(banner({ ...facts, url: 'http://[::]:8080' })).toContain("'ws://[::1]:8080/v1/ws?topics=orders&")
  })

  it('takes websocat where it is there', () => {
    expect(banner({ ...facts, websocat: true })).toContain("  websocat 'ws://127.0.0.1:8080/v1/ws?")
    expect(banner(facts)).toContain("  npx --yes wscat -c 'ws://127.0.0.1:8080/v1/ws?")
  })

  it('names the Kafka that was given, or the one it runs with its data and log', () => {
    expect(banner(facts)).toContain('Kafka    a:1, b:2\n')
    const kafka = { bootstrap: '127.0.0.1:9092', dataPlace: '/d/kafka', logFile: '/d/kafka/kafka.log' }
    expect(banner({ ...facts, kafka })).toContain('data: /d/kafka\n         log:  /d/kafka/kafka.log\n')
  })
})

describe('Progress', () => {
  it('writes over one line on a terminal, never longer than it', () => {
    const written: string[] = []
    const progress = new Progress({ isTTY: true, columns: 12, write: (text) => written.push(text) })
    progress.update('Fetching', 'file 1 of many')
    progress.clear()
    progress.clear()
    expect(written).toEqual(['\r\x1b[2KFetching: f', '\r\x1b[2K'])
  })

  it('writes a line for each phase elsewhere, and a detail now and then', () => {
    const written: string[] = []
    let now = 0
    const progress = new Progress({ write: (text) => written.push(text) }, () => now)
    progress.update('Fetching')
    for (now = 1_000; now <= 12_000; now += 1_000) progress.update('Fetching', `file ${now / 1_000}`)
    progress.update('Starting')
    progress.clear()
    expect(written).toEqual(['Fetching\n', 'Fetching: file 10\n', 'Starting\n'])
  })
})

describe('the log of npm start', () => {
  it('is lines for a person and JSON for a pipe, at the level asked for', () => {
    const person: string[] = []
    const pipe: string[] = []
    const log = startLog('warn', { isTTY: true, write: (text) => person.push(text) })
    log.info('too low')
    log.warn({ topic: 'a' }, 'slow')
    startLog('warn', { write: (text) => pipe.push(text) }).warn('slow')
    expect(person).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d warn slow topic="a"\n$/)])
    expect(JSON.parse(pipe[0]!)).toMatchObject({ level: 40, msg: 'slow' })
  })

  it('shows every member of a line but those that never change', () => {
    const line = JSON.stringify({ level: 50, time: 0, pid: 1, hostname: 'h', name: 'sluice', n: 1, msg: 'm' })
    expect(readable(line).slice(8)).toBe(' error m n=1\n')
  })
})

describe('parseJavaVersion', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['java version "1.8.0_412"', 8],
    ['openjdk version "25-ea" 2025-09-16', 25],
    ['The operation couldn’t be completed. Unable to locate a Java Runtime.', undefined],
  ])('%s is %s', (text, version) => {
    expect(parseJavaVersion(text)).toBe(version)
  })
})

describe('lastWord', () => {
  function log(text: string): string {
    const file = join(temporaryDir(), 'kafka.log')
    writeFileSync(file, text)
    return file
  }

  it('is the last exception, not the stack below it or the lines of the shutdown after it', () => {
    const text =
      'ERROR old Exception\nERROR KafkaException: Socket server failed to bind\n\tat kafka.A(B)\nINFO shut down\n'
    expect(lastWord(log(text))).toBe('ERROR KafkaException: Socket server failed to bind')
  })

  it('is the last line where there is no exception, and nothing where there is no line', () => {
    expect(lastWord(log('one\ntwo\n\n'))).toBe('two')
    expect(lastWord(log(''))).toBe('')
  })

  it('does not take the words of an earlier run', () => {
    expect(lastWord(log('Exception of before\nnow\n'), 20)).toBe('now')
  })
})

describe('the settings of a broker', () => {
  const settings = {
    nodeId: 2,
    dataDir: 'C:\\data',
    port: 1,
    controllerPort: 2,
    voters: '2@127.0.0.1:2',
    replication: 1,
  }

  it('copy nothing where there is one broker, and may be replaced', () => {
    const text = serverProperties({ ...settings, configs: { 'auto.create.topics.enable': 'true' } })
    for (const name of ['offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic']) {
      expect(text).toContain(`\n${name}.replication.factor=1\n`)
    }
    expect(text).toContain('auto.create.topics.enable=true')
    expect(text).not.toContain('auto.create.topics.enable=false')
    expect(text).toContain('log.dirs=C:\\\\data\n')
  })

  it('are the same in Docker, by the names of the image', () => {
    const args = dockerArguments('volume', 9092)
    expect(args).toContain('KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1')
    expect(args).toContain('KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0')
    expect(args).toContain('KAFKA_LOG_DIRS=/var/lib/kafka/data')
  })
})

describe('freePort', () => {
  it('gives ports that can be listened on, each once', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, freePort))
    expect(new Set(ports).size).toBe(20)
    expect(await listenError('127.0.0.1', ports[0]!)).toBeUndefined()
  })
})
