import { expect, it, onTestFinished, vi } from 'vitest'
import { useAdminCluster } from '../../support/admin-cluster.ts'
import { cells, Cli } from '../../support/cli.ts'
import { joinGroup } from '../../support/consumers.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets, membersOf } from '../../support/groups.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { makeTopic, uniqueName, witness } from '../../support/kafka.ts'
import { produce } from '../../support/produce.ts'

// Every command is a process of its own, which a machine with other work may take a second to start.
vi.setConfig({ testTimeout: 90_000 })

const cluster = useAdminCluster()

it('transactions: what is open is found, shown, and aborted once that is said; its producer is fenced', async () => {
  const cli = new Cli(await startTestGateway())
  const topic = await makeTopic()
  const id = uniqueName('tx')
  const settings = { transactionalId: id, idempotent: true, maxInFlightRequests: 1, retry: { retries: 1 } }
  const producer = witness().producer(settings)
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ partition: 0, value: 'x' }] })

  const listed = cells((await cli.run(['transactions', 'list', id, '--state', 'Ongoing'])).stdout)
  expect(listed).toContainEqual([id, 'Ongoing', expect.any(String), expect.any(String)])
  const shown = await cli.json<{ producerId: number; partitions: object[] }>('transactions', 'describe', id)
  expect(shown.partitions).toEqual([{ topic, partition: 0 }])
  const producers = cells((await cli.run(['transactions', 'producers', topic, '0'])).stdout)
  expect(producers.map(([first]) => first)).toContain(String(shown.producerId))
  expect(await cli.run(['transactions', 'hanging', '--topic', topic, '--json'])).toMatchObject({ code: 0 })

  expect(await cli.run(['transactions', 'abort', id])).toMatchObject({ code: 2 })
  const dry = await cli.run(['transactions', 'abort', id, '--dry-run'])
  expect(dry).toMatchObject({ code: 0, stderr: 'Would abort it.\n' })
  expect(await kafkaTool('kafka-transactions', ['describe', '--transactional-id', id])).toContain('Ongoing')
  expect(await cli.run(['transactions', 'abort', id, '-y'])).toMatchObject({
    code: 0,
    stderr: 'Aborted it.\n',
  })
  await expect
    .poll(() => kafkaTool('kafka-transactions', ['describe', '--transactional-id', id]))
    .not.toContain('Ongoing')
  await expect(transaction.commit()).rejects.toThrow()
  expect(await cli.run(['transactions', 'abort', id, '-y'])).toMatchObject({
    code: 0,
    stderr: 'No transaction is open.\n',
  })
  expect(await cli.run(['transactions', 'describe', uniqueName('tx')])).toMatchObject({ code: 4 })
  expect(await cli.run(['transactions', 'abort-hanging', topic, '0', '999999', '-y'])).toMatchObject({
    code: expect.toBeOneOf([1, 4]),
    stdout: '',
  })
})

it('groups: a member is removed, and what is committed in one topic is deleted', async () => {
  const cli = new Cli(await startTestGateway())
  const [topic, group] = [await makeTopic(), uniqueName('group')]
  await produce(topic, [{ value: 'a' }])
  let read = 0
  const consumer = await joinGroup(group, [topic], { onRecord: () => read++ })
  await expect.poll(() => read, { timeout: 20_000 }).toBe(1)
  const { members } = await cli.json<{ members: { member: string }[] }>('groups', 'describe', group)
  const { member } = members[0]!
  expect(await cli.run(['groups', 'delete-offsets', group, topic, '-y'])).toMatchObject({
    code: expect.toBeOneOf([1, 5]),
    stderr: expect.stringContaining('(topic_subscribed)'),
  })
  expect(await cli.run(['groups', 'remove-member', group])).toMatchObject({ code: 2 })
  expect(await cli.run(['groups', 'remove-member', group, member, '-y'])).toMatchObject({
    code: 0,
    stderr: `Removed ${member} from ${group}.\n`,
  })
  expect(await cli.run(['groups', 'remove-member', group, member, '-y'])).toMatchObject({ code: 4 })
  await consumer.disconnect()
  await expect.poll(() => membersOf(group)).toBe(0)
  expect(await committedOffsets(group, topic)).toEqual([1])
  expect(await cli.run(['groups', 'delete-offsets', group, topic, '-y'])).toMatchObject({ code: 0 })
  expect(await committedOffsets(group, topic)).toEqual([-1])
})

it('cluster: replicas that are copied slowly are followed, cancelled, and nothing stays throttled', async () => {
  const cli = new Cli(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
  const topic = await makeTopic({}, cluster.bootstrap)
  // As batches that each fit into what a topic takes.
  const messages = Array.from({ length: 8 }, () => ({ value: 'x'.repeat(100_000) }))
  for (let n = 0; n < 5; n++) await produce(topic, messages, { bootstrap: cluster.bootstrap })
  const { partitions } = await cli.json<{ partitions: { replicas: number[] }[] }>('topics', 'describe', topic)
  const [from] = partitions[0]!.replicas
  const to = (from! % 3) + 1
  const started = await cli.run([
    'topics',
    'reassign',
    topic,
    '--partition',
    '0',
    '--replicas',
    String(to),
    '--throttle',
    '10KB',
    '-y',
  ])
  expect(started, started.stderr).toMatchObject({ code: 0 })
  const moving = await cli.run(['cluster', 'reassignments', '--topic', topic])
  expect(moving.stdout).toContain(topic)
  const list = () => kafkaTool('kafka-reassign-partitions', ['--list'], cluster.bootstrap)
  expect(await list()).toContain(topic)
  expect(await cli.run(['cluster', 'reassignments', '--unthrottle'])).toMatchObject({
    stderr: expect.stringContaining('(reassignment_in_progress)'),
  })
  const cancel = ['cluster', 'reassignments', '--topic', topic, '--cancel']
  expect(await cli.run([...cancel, '--dry-run'])).toMatchObject({ code: 0 })
  expect(await cli.run(cancel)).toMatchObject({ code: 2 })
  expect(await cli.run([...cancel, '-y'])).toMatchObject({ code: 0 })
  await expect.poll(list, { timeout: 20_000 }).not.toContain(topic)
  await expect
    .poll(() => cli.run(['cluster', 'reassignments', '--unthrottle']), { timeout: 20_000 })
    .toMatchObject({ code: 0 })
  const configs = ['--describe', '--entity-type', 'topics', '--entity-name', topic]
  expect(await kafkaTool('kafka-configs', configs, cluster.bootstrap)).not.toContain('throttled')
})
