import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

/** Each file that the page names with the names of its tests behind it. */
const named = [...read('docs/threat-model.md').matchAll(/`([\w/-]+\.test\.ts)`: ((?:"[^"]+"(?:; )?)+)/g)].map(
  ([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  }),
)

it('the threat model names tests for each of the ten risks', () => {
  const rows = read('docs/threat-model.md')
    .split('\n')
    .filter((line) => /^\| API\d+ /.test(line))
  expect(rows).toHaveLength(10)
  for (const row of rows) expect(row).toMatch(/`[\w/-]+\.test\.ts`: "/)
})

it.each(named)('$file has the tests that the threat model names', ({ file, names }) => {
  const text = read(`test/${file}`)
  for (const name of names) {
    const titles = [`'${name}'`, `"${name}"`, `\`${name}\``]
    expect(
      titles.some((title) => text.includes(title)),
      name,
    ).toBe(true)
  }
})
