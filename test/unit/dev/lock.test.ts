import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Lock, takeLock } from '../../../dev/kafka/lock.ts'
import { identityOf, runningPid } from '../../../dev/kafka/process-identity.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

function lockFile(): string {
  return join(temporaryDir(), 'lock')
}

describe('takeLock', () => {
  it('takes a free lock, names its holder to others, and gives it back', () => {
    const file = lockFile()
    const lock = takeLock(file) as Lock
    expect(takeLock(file)).toEqual({ heldBy: process.pid })
    lock.release()
    expect(existsSync(file)).toBe(false)
  })

  it.each([
    ['a process that is gone', '4194304 1'],
    ['a process whose id another has now', `${process.pid} 1`],
    ['nobody, by an empty file', ''],
  ])('takes over the lock of %s', (_, content) => {
    const file = lockFile()
    writeFileSync(file, content)
    expect(takeLock(file)).toHaveProperty('release')
    expect(readFileSync(file, 'utf8')).toBe(identityOf(process.pid))
  })

  it('leaves a lock alone that is no longer its own', () => {
    const file = lockFile()
    const lock = takeLock(file) as Lock
    writeFileSync(file, 'another')
    lock.release()
    expect(readFileSync(file, 'utf8')).toBe('another')
  })

  it('gives a stale lock to one of several processes that want it at once', async () => {
    const file = lockFile()
    writeFileSync(file, '4194304 1')
    const module = resolve(import.meta.dirname, '../../../dev/kafka/lock.ts')
    // Each holds on to what it got until all have tried, so that no lock is freed on the way.
    const script = `
      const { takeLock } = await import(${JSON.stringify(module)})
      console.log('heldBy' in takeLock(${JSON.stringify(file)}) ? 'held' : 'taken')
      process.stdin.resume()`
    const tries = Array.from({ length: 6 }, () => {
      const running = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
      const said = new Promise((done) => running.child.stdout!.once('data', done))
      return { running, said }
    })
    await Promise.all(tries.map(({ said }) => said))
    for (const { running } of tries) running.child.stdin!.end()
    const results = await Promise.all(tries.map(async ({ running }) => (await running).stdout.trim()))
    expect(results.sort()).toEqual(['held', 'held', 'held', 'held', 'held', 'taken'])
  })
})

describe('identityOf', () => {
  it('names a process as long as it runs, and no other', async () => {
    const running = promisify(execFile)('sh', ['-c', 'read -r _'])
    const identity = identityOf(running.child.pid!)!
    expect(runningPid(identity)).toBe(running.child.pid)
    expect(identity).not.toBe(identityOf(process.pid))
    running.child.stdin!.end('\n')
    await running
    expect(runningPid(identity)).toBeUndefined()
  })
})
