import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { Cli } from '../../support/cli.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { codeBlocks, shellCommands } from '../../support/readme.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const root = resolve(import.meta.dirname, '../../..')

/** What a command has to print. A new one cannot go untried; of the start, the files are taken. */
const expectations: [pattern: RegExp, expected: RegExp][] = [
  [/^cp /, /^$/],
  [/keys create/, /^Rules name it key:/],
  [/npm start$/, /^$/],
  [/-d '/, /"offset":0/],
  [/billing\.key/, /"order-17"/],
  [/records\?from=.*shop\.key/, /"code":"forbidden"/],
  [/policy check/, /all fine/],
  [/policy test .*key:billing/, /^allowed: "payments reads orders" allows it/],
  [/policy test .*key:shop/, /^refused: no rule allows it/],
]

it(
  'docs/security.md shows nothing but commands that work as written, in the order written',
  { timeout: 90_000 },
  async () => {
    const topic = await makeTopic()
    const cwd = temporaryDir()
    mkdirSync(join(cwd, 'examples'))
    const rules = readFileSync(join(root, 'examples/policy.yaml'), 'utf8').replaceAll(
      '[orders]',
      `[orders, ${topic}]`,
    )
    writeFileSync(join(cwd, 'examples/policy.yaml'), rules)
    const bin = join(cwd, 'bin')
    mkdirSync(bin)
    symlinkSync(join(root, 'bin/sluice.mjs'), join(bin, 'sluice'))
    const env = { PATH: `${bin}:${join(root, 'node_modules/.bin')}:${process.env.PATH}` }
    let url = ''
    for (const block of codeBlocks('docs/security.md')) {
      for (const command of shellCommands(block)) {
        const expected = expectations.find(([pattern]) => pattern.test(command))?.[1]
        if (expected === undefined) throw new Error(`no expectation for: ${command}`)
        if (command.endsWith('npm start')) {
          const settings = Object.fromEntries(
            [...command.matchAll(/(SLUICE_\w+_FILE)=(\S+)/g)].map(([, name, file]) => [
              name!,
              join(cwd, file!),
            ]),
          )
          expect(Object.keys(settings)).toHaveLength(2)
          url = (await startTestGateway(settings)).url
          continue
        }
        const here = command
          .replaceAll('npx sluice', 'sluice')
          .replaceAll('http://127.0.0.1:8080', url)
          .replace('topics/orders', `topics/${topic}`)
        const { stdout, stderr } = await promisify(execFile)('sh', ['-c', here], { cwd, env }).catch(
          (error: unknown) => error as { stdout: string; stderr: string },
        )
        expect(`${stdout}${stderr.replace(/^ +% Total[^]*/, '')}`, command).toMatch(expected)
      }
    }
  },
)

it(
  'a key is made, rotated, retired and revoked while the gateway runs, and its file can be read by nobody else',
  { timeout: 90_000 },
  async () => {
    const topic = await makeTopic()
    const dir = temporaryDir()
    const [keys, policy] = [join(dir, 'keys.json'), join(dir, 'policy.yaml')]
    writeFileSync(policy, `rules: [{ to: ['key:*'], allow: [consume], topics: [${topic}] }]`)
    const local = new Cli({ url: 'http://127.0.0.1:1' })
    const key = async (...args: string[]) => {
      const { code, stdout, stderr } = await local.run(['keys', ...args, '--file', keys])
      expect(code, stderr).toBe(0)
      return stdout.trim()
    }
    const first = await key('create', 'reader', '--expires', '90d')
    expect(first).toMatch(/^sluice_reader_[\w-]{43}$/)
    expect(readFileSync(keys, 'utf8')).not.toContain(first.slice('sluice_reader_'.length))
    expect(statSync(keys).mode & 0o077).toBe(0)
    const cli = new Cli(await startTestGateway({ SLUICE_API_KEYS_FILE: keys, SLUICE_POLICY_FILE: policy }))
    const serves = async (token: string) =>
      (await cli.run(['topics', 'describe', topic], { env: { SLUICE_TOKEN: token } })).code === 0
    expect(await serves(first)).toBe(true)
    const second = await key('rotate', 'reader')
    await expect.poll(() => serves(second), { timeout: 15_000 }).toBe(true)
    expect(await serves(first)).toBe(true)
    await key('retire', 'reader')
    await expect.poll(() => serves(first), { timeout: 15_000 }).toBe(false)
    expect(await serves(second)).toBe(true)
    expect(await key('list')).toMatch(/^KEY +ROLES +SCOPES +MADE +EXPIRES\nreader +.* all /)
    await key('revoke', 'reader')
    await expect.poll(() => serves(second), { timeout: 15_000 }).toBe(false)
    expect(await local.run(['keys', 'revoke', uniqueName('k'), '--file', keys])).toMatchObject({ code: 4 })
    expect(await local.run(['keys', 'create', 'A b', '--file', keys])).toMatchObject({ code: 2 })
  },
)
