import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { removeTopic } from '../../support/kafka.ts'
import { codeBlocks, shellAt, shellCommands } from '../../support/readme.ts'

it('docs/cluster.md shows commands that work as written', async () => {
  // The page's name is not unique: nothing of an earlier run may be left.
  await removeTopic('parcels')
  onTestFinished(() => removeTopic('parcels'))
  const { url } = await startTestGateway()
  const run = shellAt(url)
  const blocks = codeBlocks('docs/cluster.md')
  const answers: unknown[] = []
  for (const command of blocks.flatMap(shellCommands)) answers.push(await run(command))
  const name = 'log.cleaner.backoff.ms'
  const config = (value: string, source: string) => ({ name, value, source })
  const topic = 'parcels'
  expect(answers).toMatchObject([
    { brokers: 1, controller: 1 },
    { brokers: [{ broker: 1, answering: true }], unanswered: [] },
    { logDirs: [{ broker: 1, offline: false }] },
    { configs: [config('15000', 'default'), { name: 'log.dirs', readOnly: true, source: 'file' }] },
    {
      configs: [config('20000', 'broker'), { name: 'log.cleanup.policy', value: 'delete,compact' }],
      validateOnly: true,
    },
    { configs: [config('20000', 'cluster')], validateOnly: false },
    { configs: [config('15000', 'default')], validateOnly: false },
    { name: topic },
    { results: [0, 1, 2].map((partition) => ({ topic, partition, from: [1], to: [1] })), dryRun: true },
    { results: [{ topic, partition: 0, from: [1], to: [1] }], dryRun: false },
    { reassignments: [] },
    { topics: [], brokers: [], dryRun: false },
    {
      results: [0, 1, 2].map((partition) => ({ topic, partition, leaderBefore: 1, leader: 1 })),
      dryRun: false,
    },
  ])
})
