import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kafkaVersion } from '../../../dev/kafka/jars.ts'
import { brokers } from '../../support/kafka.ts'
import { pathWith, runStart } from '../../support/start-process.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

describe('npm start without Java', { timeout: 90_000 }, () => {
  it('runs the official image, its data in a volume, and stops it', async () => {
    const bin = pathWith([])
    const fake = resolve(import.meta.dirname, '../../support/fake-docker.mjs')
    writeFileSync(join(bin, 'docker'), `#!/bin/sh\nexec '${process.execPath}' '${fake}' "$@"\n`)
    chmodSync(join(bin, 'docker'), 0o755)
    const state = temporaryDir()
    const run = runStart({
      SLUICE_DATA_DIR: temporaryDir(),
      PATH: bin,
      JAVA_HOME: '',
      FAKE_DOCKER_STATE: state,
      FAKE_DOCKER_KAFKA: brokers(),
    })
    const [, url] = await run.printed(/^Sluice {3}(http:\S+)/m)
    const [, port, volume] = await run.printed(
      /Kafka {4}127\.0\.0\.1:(\d+) [^]*data: the Docker volume (\S+)/,
    )
    await run.printed(/Ctrl-C stops both/)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(existsSync(join(state, 'running'))).toBe(true)
    run.signal('SIGINT')
    expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
    expect(existsSync(join(state, 'running'))).toBe(false)

    const calls = readFileSync(join(state, 'calls'), 'utf8')
    const image = `apache/kafka:${kafkaVersion}`
    expect(calls).toContain(`pull ${image}\n`)
    const dockerRun = /^run .*$/m.exec(calls)![0]
    expect(dockerRun).toContain(`-p 127.0.0.1:${port}:${port} -v ${volume}:/var/lib/kafka/data`)
    expect(dockerRun).toContain(`-e KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:${port} `)
    expect(dockerRun).toMatch(new RegExp(`${image}$`))
  })
})
