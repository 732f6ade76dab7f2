import { execFile, spawn } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, vi } from 'vitest'
import { Cli, CliProcess } from '../../support/cli.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { brokers, makeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'
import { silentKafka } from '../../support/silent-kafka.ts'
import { TestProcess } from '../../support/start-process.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { until } from '../../support/until.ts'

// Every command is a process of its own, which a machine with other work may take a second to start.
vi.setConfig({ testTimeout: 90_000 })

const root = resolve(import.meta.dirname, '../../..')
const entry = join(root, 'bin/sluice.mjs')

/** A command on a terminal of its own: what it prints there, standard error with the rest. */
function onTerminal(url: string, args: string, env: Record<string, string> = {}): CliProcess {
  const command = `stty cols 100; '${process.execPath}' '${entry}' ${args}`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env.PATH, TERM: 'xterm', SHELL: '/bin/sh', SLUICE_URL: url, ...env },
    stdio: 'pipe',
  })
  return new CliProcess(child)
}

it('on a terminal tables have colours unless NO_COLOR says otherwise, and what destroys asks', async () => {
  const topic = await makeTopic()
  const { url } = await startTestGateway()
  const list = async (env = {}) => {
    const run = onTerminal(url, `topics list ${topic}`, env)
    return (await run.ended).stdout
  }
  expect(await list()).toContain('\x1b[1mTOPIC')
  expect(await list({ NO_COLOR: '1' })).not.toContain('\x1b[')

  const exists = () => withAdmin(async (admin) => (await admin.listTopics()).includes(topic))
  const refused = onTerminal(url, `topics delete ${topic}`)
  await until(() => refused.stdout.includes('? [y/N]'))
  refused.child.stdin!.write('n\r')
  const { code, stdout } = await refused.ended
  expect(stdout).toContain(`Delete ${topic} with about 0 records? [y/N]`)
  expect(stdout).toContain('nothing was changed.')
  expect(code).toBe(1)
  expect(await exists()).toBe(true)
  const agreed = onTerminal(url, `topics delete ${topic}`)
  await until(() => agreed.stdout.includes('? [y/N]'))
  agreed.child.stdin!.write('y\r')
  expect(await agreed.ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`Deleted ${topic}.`) })
  expect(await exists()).toBe(false)
})

it('what is typed is written line by line, and Ctrl-C leaves out the line that is not finished', async () => {
  const topic = await makeTopic()
  const { url } = await startTestGateway()
  const written = async () => Number((await withAdmin((admin) => admin.fetchTopicOffsets(topic)))[0]!.high)
  const producer = onTerminal(url, `produce ${topic}`)
  await until(() => producer.stdout.includes('Ctrl-D ends.'))
  producer.child.stdin!.write('one\r')
  await until(async () => (await written()) === 1)
  producer.child.stdin!.write('two\rthr')
  await until(async () => (await written()) === 2)
  producer.child.stdin!.write('\x03')
  const { code, stdout } = await producer.ended
  expect(stdout).toContain('Wrote 2 records.')
  expect(code).toBe(130)
  expect(await written()).toBe(2)
})

it('completes commands, options and names in bash, and says nothing where no gateway answers', async () => {
  const topic = await makeTopic({ name: uniqueName('completed') })
  const gateway = await startTestGateway()
  const bin = temporaryDir()
  symlinkSync(entry, join(bin, 'sluice'))
  const tries = [
    'sluice top',
    'sluice topics cre',
    `sluice consume ${topic.slice(0, 14)}`,
    'sluice groups reset g --dry',
    'sluice up --po',
  ]
  const script = join(bin, 'try.bash')
  writeFileSync(
    script,
    `source <(sluice completion bash)
for line in "$@"; do
  COMP_LINE=$line COMP_WORDS=($line) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)) COMPREPLY=()
  "$(complete -p sluice | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
  echo "$line: \${COMPREPLY[*]}"
done
`,
  )
  const complete = async (url: string, lines: readonly string[]) => {
    const env = { PATH: `${bin}:${join(root, 'node_modules/.bin')}:${process.env.PATH}`, SLUICE_URL: url }
    const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', script, ...lines], { env })
    expect(stderr).toBe('')
    return stdout.trim().split('\n')
  }
  expect(await complete(gateway.url, tries)).toEqual([
    'sluice top: topics',
    'sluice topics cre: create',
    `sluice consume ${topic.slice(0, 14)}: ${topic}`,
    'sluice groups reset g --dry: --dry-run',
    'sluice up --po: --port',
  ])
  // It takes connections and never answers.
  const silent = await silentKafka()
  const before = performance.now()
  expect(await complete(`http://${silent}`, ['sluice consume x'])).toEqual(['sluice consume x:'])
  expect(performance.now() - before).toBeLessThan(15_000)
})

it('`sluice up` starts a gateway, and every command finds its way to it', async () => {
  const { PATH = '' } = process.env
  const up = new TestProcess(process.execPath, [entry, 'up', '--port', '0', '--brokers', brokers()], {
    env: { PATH, SLUICE_URL: 'http://127.0.0.1:1' },
  })
  const [, url = ''] = await up.printed(/^Sluice {3}(http:\S+)/m)
  expect(await new Cli({ url: 'http://127.0.0.1:1' }).run(['cluster', '--url', url, '--json'])).toMatchObject(
    { code: 0 },
  )
  up.signal('SIGINT')
  expect(await up.ended).toMatchObject({ code: 0, stderr: '' })
})

it('help is there for every command, short, with examples; the version is that of the package', async () => {
  const cli = new Cli({ url: 'http://127.0.0.1:1' })
  const { stdout } = await cli.run([])
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name!)
  expect(names).toEqual(
    expect.arrayContaining(['up', 'produce', 'consume', 'topics', 'groups', 'cluster', 'bench']),
  )
  for (const words of [['consume'], ['topics', 'create'], ['groups', 'reset']]) {
    const help = await cli.run([...words, '--help'])
    expect(help).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Examples:\n  ') })
    expect(help.stdout.split('\n').length).toBeLessThan(50)
  }
  expect((await cli.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
