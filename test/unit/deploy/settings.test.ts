import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { settings } from '../../../src/config/settings.ts'
import { contract } from '../../support/contract.ts'
import { deployTool } from '../../support/deploy-tools.ts'
import { codeBlocks } from '../../support/readme.ts'

const root = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const files = [
  'Dockerfile',
  'docs/deploy.md',
  ...globSync(['deploy/{kubernetes,helm,systemd,proxies}/**/*.*', 'docs/deploy/*.md'], { cwd: root }),
].sort()

/** Variables in a text that no setting has. `SLUICE_TLS_*` stands for several. */
function unknownIn(text: string): string[] {
  const known = new Set(Object.keys(settings))
  const names = text.match(/\b(?:SLUICE|KAFKA)_[A-Z][A-Z0-9_]*/g) ?? []
  return names.filter((name) =>
    name.endsWith('_') ? ![...known].some((other) => other.startsWith(name)) : !known.has(name),
  )
}

describe('what deploys the gateway', () => {
  it('is looked through by this test', () => {
    expect(files.length).toBeGreaterThan(25)
    expect(unknownIn('SLUICE_HOST KAFKA_BROKER SLUICE_NOTHING_* KAFKA_TLS_*')).toEqual([
      'KAFKA_BROKER',
      'SLUICE_NOTHING_',
    ])
  })

  it.each(files)('names settings that there are: %s', (file) => {
    expect(unknownIn(read(file))).toEqual([])
  })

  it.each(globSync('compose*.yaml', { cwd: root }))('sets settings that there are: %s', (file) => {
    const { services } = parse(read(file), { merge: true }) as {
      services: Record<string, { build?: unknown; environment?: object }>
    }
    const gateways = Object.values(services).filter(({ build }) => build !== undefined)
    expect(gateways).not.toEqual([])
    for (const { environment } of gateways) {
      expect(Object.keys(environment ?? {}).filter((name) => !(name in settings))).toEqual([])
    }
  })

  it.each(files)('asks routes that there are: %s', (file) => {
    for (const [path] of read(file).matchAll(/\/[a-z]+z\b(?=['"\s`,;)]|$)/gm))
      expect(contract.paths).toHaveProperty(path)
  })
})

describe('the pages about deploying', () => {
  const pages = ['docs/deploy.md', ...globSync('docs/deploy/*.md', { cwd: root })]
  const blocks = pages.flatMap((page) => codeBlocks(page).map((block) => ({ page, ...block })))

  it.each(blocks.filter(({ language }) => language !== 'sh'))(
    'show what can be read: $page $line',
    ({ code }) => {
      expect(parse(code)).toBeTypeOf('object')
    },
  )

  it.each(blocks.filter(({ language }) => language === 'sh'))(
    'show commands for files that there are: $page $line',
    ({ code }) => {
      expect(spawnSync('sh', ['-n'], { input: code, encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      })
      const paths = code.match(/(?<![\w/.])(?:deploy|examples|docs)\/[\w./-]+|compose[\w.]*\.yaml/g) ?? []
      for (const path of paths) expect(existsSync(join(root, path)) || path.includes('/secrets')).toBe(true)
    },
  )

  it.each(pages)('lead somewhere: %s', (page) => {
    for (const [, target = ''] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(join(root, page, '..', target)), target).toBe(true)
    }
  })
})

const hadolint = deployTool('hadolint')
it.skipIf(hadolint === undefined)('the Dockerfile is as hadolint wants it', () => {
  expect(hadolint!(['--no-color', join(root, 'Dockerfile')])).toMatchObject({ status: 0, stdout: '' })
})

const compose = deployTool('docker-compose')
it.skipIf(compose === undefined).each(globSync('compose*.yaml', { cwd: root }))(
  'is taken by docker compose: %s',
  (file) => {
    const { status, stderr } = compose!(['-f', join(root, file), 'config', '--quiet'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  },
)
