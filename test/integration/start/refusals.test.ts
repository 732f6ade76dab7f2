import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { brokers } from '../../support/kafka.ts'
import { makeDataDir, pathWith, runStart } from '../../support/start-process.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

/** Runs a start that must fail; what it said, one sentence a line. */
async function refused(
  settings: Record<string, string>,
): Promise<{ code: number | null; sentences: string[] }> {
  const { code, stderr } = await runStart(settings).ended
  const sentences = stderr.trimEnd().split('\n')
  for (const sentence of sentences) expect(sentence).toMatch(/^sluice: /)
  return { code, sentences }
}

async function takenPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return String((server.address() as AddressInfo).port)
}

function putCommand(bin: string, name: string, script: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
}

describe('npm start says in one sentence what stands in its way', { timeout: 90_000 }, () => {
  it('a taken SLUICE_PORT, and does not start Kafka', async () => {
    const port = await takenPort()
    expect(await refused({ SLUICE_DATA_DIR: await makeDataDir(), SLUICE_PORT: port })).toEqual({
      code: 1,
      sentences: [expect.stringMatching(new RegExp(`port ${port} of 127.0.0.1 is taken: .*SLUICE_PORT`))],
    })
  })

  it('a taken SLUICE_KAFKA_PORT', async () => {
    const port = await takenPort()
    expect(await refused({ SLUICE_DATA_DIR: await makeDataDir(), SLUICE_KAFKA_PORT: port })).toEqual({
      code: 1,
      sentences: [
        expect.stringMatching(new RegExp(`port ${port} .* is taken: .*SLUICE_KAFKA_PORT.*KAFKA_BROKERS`)),
      ],
    })
  })

  it('an address that is not of this machine', async () => {
    expect(
      await refused({ SLUICE_DATA_DIR: temporaryDir(), SLUICE_HOST: '192.0.2.1', SLUICE_INSECURE: 'true' }),
    ).toEqual({
      code: 1,
      sentences: ['sluice: this machine has no address 192.0.2.1: set SLUICE_HOST to one it has.'],
    })
  })

  it('each setting that is wrong or unknown', async () => {
    const { code, sentences } = await refused({ SLUICE_PROT: '1', SLUICE_PORT: 'x', KAFKA_TLS: 'yes' })
    expect(code).toBe(78)
    expect(sentences.map((sentence) => sentence.split(':')[1]!.trim()).sort()).toEqual([
      'KAFKA_TLS',
      'SLUICE_PORT',
      'SLUICE_PROT',
    ])
  })

  it('a data directory that cannot be written', async () => {
    const file = join(temporaryDir(), 'file')
    writeFileSync(file, '')
    expect(await refused({ SLUICE_DATA_DIR: join(file, 'data') })).toEqual({
      code: 1,
      sentences: [
        expect.stringMatching(/the data directory \S+ can't be written \(ENOTDIR\): .*SLUICE_DATA_DIR/),
      ],
    })
  })

  const threeWays = /KAFKA_BROKERS=host:port .* Java 17 and Maven, .* Docker\.$/

  it('no Java and no Docker, with the three ways out', async () => {
    const { code, sentences } = await refused({
      SLUICE_DATA_DIR: temporaryDir(),
      PATH: pathWith([]),
      JAVA_HOME: '',
    })
    expect(code).toBe(1)
    expect(sentences).toEqual([expect.stringMatching(threeWays)])
    expect(sentences[0]).toContain('Java is missing, and there is no Docker')
  })

  it('Java without Maven where the jars are not there yet', async () => {
    const { code, sentences } = await refused({ SLUICE_DATA_DIR: temporaryDir(), PATH: pathWith(['java']) })
    expect(code).toBe(1)
    expect(sentences).toEqual([expect.stringMatching(threeWays)])
    expect(sentences[0]).toContain('Maven is missing')
  })

  it('a Java that is too old, and a Docker that does not answer', async () => {
    const bin = pathWith(['mvn'])
    putCommand(bin, 'java', `echo 'openjdk version "11.0.2" 2019-01-15' >&2`)
    putCommand(bin, 'docker', 'exit 1')
    const { code, sentences } = await refused({ SLUICE_DATA_DIR: temporaryDir(), PATH: bin, JAVA_HOME: '' })
    expect(code).toBe(1)
    expect(sentences).toEqual([expect.stringMatching(threeWays)])
    expect(sentences[0]).toContain('Java 11 is too old, and Docker does not answer')
  })

  it('a Maven that cannot fetch Kafka, with its reason', async () => {
    const bin = pathWith(['java'])
    putCommand(bin, 'mvn', "echo '[ERROR] Unknown host repo.example'; exit 1")
    expect(await refused({ SLUICE_DATA_DIR: temporaryDir(), PATH: bin })).toEqual({
      code: 1,
      sentences: [
        expect.stringMatching(
          /Maven could not fetch Apache Kafka \S+ \(Unknown host repo\.example\): .*KAFKA_BROKERS/,
        ),
      ],
    })
  })

  it('a Kafka that does not start, with its last word and its log', async () => {
    const bin = pathWith([])
    putCommand(
      bin,
      'java',
      `case "$*" in *-version*) echo 'openjdk version "21.0.2"' >&2 ;; *StorageTool*) ;; *) echo 'no memory left'; exit 3 ;; esac`,
    )
    const dataDir = await makeDataDir()
    expect(await refused({ SLUICE_DATA_DIR: dataDir, PATH: bin, JAVA_HOME: '' })).toEqual({
      code: 1,
      sentences: [
        `sluice: Kafka stopped while starting (no memory left); its log is ${dataDir}/kafka/kafka.log`,
      ],
    })
  })
})

describe('npm start with KAFKA_BROKERS', { timeout: 90_000 }, () => {
  it('uses that Kafka and starts none', async () => {
    const run = runStart({
      KAFKA_BROKERS: brokers(),
      SLUICE_DATA_DIR: '/dev/null/unused',
      PATH: pathWith([]),
    })
    const [, url] = await run.printed(/^Sluice {3}(http:\S+)/m)
    await run.printed(/Ctrl-C stops it/)
    expect(run.stdout).toContain(`Kafka    ${brokers()}\n`)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    run.signal('SIGTERM')
    expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('says so when that Kafka does not answer, and goes on', async () => {
    const run = runStart({ KAFKA_BROKERS: `127.0.0.1:1` })
    const [, url] = await run.printed(/^Sluice {3}(http:\S+)/m)
    await run.printed(/Ctrl-C stops it/)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    run.signal('SIGTERM')
    const { code, stderr } = await run.ended
    expect(code).toBe(0)
    expect(stderr).toMatch(/^sluice: not ready yet: Kafka cannot be reached$/m)
  })
})
