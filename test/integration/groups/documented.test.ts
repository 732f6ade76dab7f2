import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { removeTopic, withAdmin } from '../../support/kafka.ts'
import { codeBlocks, shellAt, shellCommands } from '../../support/readme.ts'

/** The page's names are not unique: nothing of an earlier run may be left, nor of this one. */
async function forget(): Promise<void> {
  await removeTopic('readings')
  const groups = ['dashboards', 'dashboards-2']
  await withAdmin((admin) => admin.deleteGroups(groups).then(() => {})).catch(() => {})
}

it('docs/groups.md shows commands that work as written', async () => {
  await forget()
  const { url } = await startTestGateway()
  onTestFinished(forget)
  const run = shellAt(url)
  const blocks = codeBlocks('docs/groups.md')
  const [topic, records, start, list, describe, offsets, dry, reset, follow, one, look, all, ...more] =
    blocks.flatMap(shellCommands)
  expect(more).toEqual([])
  expect(await run(topic!)).toMatchObject({ name: 'readings' })
  await run(records!)
  const both = (changes: object[]) => ({ offsets: changes })
  expect(await run(start!)).toMatchObject(
    both([
      { before: null, after: 0 },
      { before: null, after: 0 },
    ]),
  )
  expect(await run(list!)).toMatchObject({ groups: [{ group: 'dashboards', state: 'Empty' }] })
  expect(await run(describe!)).toMatchObject({ group: 'dashboards', members: [] })
  expect(await run(offsets!)).toMatchObject({ lag: 3, offsets: [{ offset: 0 }, { offset: 0 }] })
  expect(await run(dry!)).toMatchObject({ dryRun: true, ...both([{ after: 0 }, { after: 0 }]) })
  expect(await run(reset!)).toMatchObject({ dryRun: false, ...both([{ clamped: false }, { after: 0 }]) })
  expect(await run(follow!)).toMatchObject({
    group: 'dashboards-2',
    ...both([{ before: null }, { after: 0 }]),
  })
  expect(await run(one!)).toMatchObject(both([{ partition: 1, before: 0, after: null }]))
  expect(await run(look!)).toMatchObject({ dryRun: true, ...both([{ partition: 0 }]) })
  expect(await run(all!)).toMatchObject({ dryRun: false, ...both([{ partition: 0 }]) })
})
