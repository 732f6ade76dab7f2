import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { removeTopic } from '../../support/kafka.ts'
import { codeBlocks, shellAt, shellCommands } from '../../support/readme.ts'

it('docs/topics.md shows commands that work as written', async () => {
  // The page's name is not unique: nothing of an earlier run may be left, nor of this one.
  await removeTopic('shipments')
  const { url } = await startTestGateway()
  onTestFinished(() => removeTopic('shipments'))
  const [block, ...others] = codeBlocks('docs/topics.md')
  expect(others).toEqual([])
  const run = shellAt(url)
  const answers: unknown[] = []
  for (const command of shellCommands(block!)) answers.push((await run(command)) ?? '')
  const partition = { partition: 0, earliestOffset: 0, newEarliestOffset: 1, latestOffset: 2, records: 1 }
  expect(answers).toMatchObject([
    { name: 'shipments', partitions: [{}, {}, {}] },
    { topics: expect.arrayContaining([expect.objectContaining({ name: 'shipments', partitions: 3 })]) },
    { name: 'shipments', partitions: [{ sizeBytes: 0, underReplicated: false }, {}, {}] },
    { partitions: [{}, {}, {}, {}, {}, {}] },
    { results: [{ offset: 0 }, { offset: 1 }] },
    { partitions: [partition], dryRun: true },
    { partitions: [partition], dryRun: false },
    '',
  ])
})
