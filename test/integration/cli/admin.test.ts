import { expect, it, onTestFinished, vi } from 'vitest'
import { useAdminCluster } from '../../support/admin-cluster.ts'
import { cells, Cli } from '../../support/cli.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { makeTopic, removeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'

// Every command is a process of its own, which a machine with other work may take a second to start.
vi.setConfig({ testTimeout: 90_000 })

const cluster = useAdminCluster()

async function start(): Promise<Cli> {
  return new Cli(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
}

it("topics: what is made is as Kafka's own tool shows it, and is told as it is; deleted only with --yes in a pipe", async () => {
  const cli = await start()
  const topic = uniqueName()
  onTestFinished(() => removeTopic(topic, cluster.bootstrap))
  const tool = (...args: string[]) => kafkaTool('kafka-topics', args, cluster.bootstrap)

  const dry = await cli.run(['topics', 'create', topic, '-p', '2', '--dry-run'])
  expect(dry).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringMatching(`^Would create ${topic}: 2 partitions, `),
  })
  const made = await cli.run([
    'topics',
    'create',
    topic,
    '-p',
    '2',
    '-r',
    '3',
    '--retention',
    '7d',
    '-c',
    'max.message.bytes=2000',
  ])
  expect(made).toEqual({ code: 0, stdout: '', stderr: `Created ${topic}: 2 partitions, 3 copies of each.\n` })
  const shown = await tool('--describe', '--topic', topic)
  expect(shown).toMatch(/PartitionCount: 2\s+ReplicationFactor: 3\s+Configs: .*max.message.bytes=2000/)
  expect(shown).toContain('retention.ms=604800000')
  const again = await cli.run(['topics', 'create', topic])
  expect(again).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^sluice: .*\(topic_exists\)\. Use it as it is/),
  })
  expect(await cli.run(['topics', 'create', topic, '--if-not-exists'])).toMatchObject({ code: 0 })

  const described = await cli.run(['topics', 'describe', topic])
  expect(cells(described.stdout)).toContainEqual(['partitions', '2'])
  expect(cells(described.stdout)).toContainEqual(['max.message.bytes', '2000', 'topic'])
  expect(await cli.json('topics', 'describe', topic)).toMatchObject({
    name: topic,
    partitions: [{ partition: 0 }, { partition: 1 }],
  })
  expect(cells((await cli.run(['topics', 'list'])).stdout)).toContainEqual(
    expect.arrayContaining([topic, '2', '3']),
  )
  expect((await cli.run(['topics', 'ls', '-q'])).stdout.split('\n')).toContain(topic)

  const plan = await cli.run([
    'topics',
    'alter',
    topic,
    '-p',
    '3',
    '--unset',
    'max.message.bytes',
    '--dry-run',
  ])
  expect(cells(plan.stdout)).toContainEqual(['partitions', '2', '3'])
  expect(cells(plan.stdout)).toContainEqual(['max.message.bytes', '2000', 'default'])
  expect(
    await cli.run(['topics', 'alter', topic, '-p', '3', '--append', 'cleanup.policy=compact']),
  ).toMatchObject({
    code: 0,
    stderr: `Changed ${topic}.\n`,
  })
  expect(await tool('--describe', '--topic', topic)).toMatch(
    /PartitionCount: 3.*cleanup.policy=(compact,delete|delete,compact)/,
  )

  const refused = await cli.run(['topics', 'delete', topic])
  expect(refused).toEqual({
    code: 2,
    stdout: '',
    stderr: 'sluice: this needs --yes where nobody can be asked. --dry-run says what it would do.\n',
  })
  expect(await cli.run(['topics', 'delete', topic, '--dry-run'])).toMatchObject({
    code: 0,
    stderr: `Would delete ${topic} with about 0 records.\n`,
  })
  const missing = uniqueName('missing')
  expect(await cli.run(['topics', 'delete', topic, missing, '-y'])).toMatchObject({ code: 4 })
  expect(await tool('--list')).toContain(topic)
  expect(await cli.run(['topics', 'delete', topic, missing, '-y', '--if-exists'])).toMatchObject({
    code: 0,
    stderr: `${missing} is not there.\nDeleted ${topic}.\n`,
  })
  // Brokers learn of it one after the other.
  await expect.poll(() => tool('--list')).not.toContain(topic)
})

it('groups: who they are, how far behind in each partition, and elsewhere once they are reset', async () => {
  const cli = await start()
  const topic = await makeTopic({ partitions: 2 }, cluster.bootstrap)
  const group = uniqueName('group')
  onTestFinished(() =>
    withAdmin((admin) => admin.deleteGroups([group]).then(() => {}), cluster.bootstrap).catch(() => {}),
  )
  await cli.run(['produce', topic, '-p', '1'], { input: 'a\nb\nc\n' })
  await cli.run(['consume', topic, '-g', group, '--from-beginning', '-c', '1'])

  expect(cells((await cli.run(['groups', 'list', group])).stdout)).toContainEqual([
    group,
    'Empty',
    'classic',
    'consumer',
  ])
  expect(await cli.json('groups', 'describe', group)).toMatchObject({ group, state: 'Empty', members: [] })
  const { stdout } = await cli.run(['groups', 'lag', group])
  expect(cells(stdout)).toContainEqual([topic, '1', '1', '3', '2', expect.any(String), '-'])
  expect(stdout).toMatch(/\n2 behind in all\.\n$/)
  expect(
    await kafkaTool('kafka-consumer-groups', ['--describe', '--group', group], cluster.bootstrap),
  ).toMatch(new RegExp(`${topic}\\s+1\\s+1\\s+3\\s+2`))

  const describe = () =>
    kafkaTool('kafka-consumer-groups', ['--describe', '--group', group], cluster.bootstrap)
  const dry = await cli.run(['groups', 'reset', group, '--shift-by=2', '--topic', `${topic}:1`, '--dry-run'])
  expect(cells(dry.stdout)).toContainEqual([topic, '1', '1', '3'])
  expect(await describe()).toMatch(new RegExp(`${topic}\\s+1\\s+1\\s+3\\s+2`))
  const reset = ['groups', 'reset', group, '--to', 'latest']
  expect(await cli.run(reset)).toMatchObject({ code: 2, stderr: expect.stringContaining('needs --yes') })
  expect(await cli.run([...reset, '--yes'])).toMatchObject({ code: 0 })
  expect(await describe()).toMatch(new RegExp(`${topic}\\s+1\\s+3\\s+3\\s+0`))

  const truncated = await cli.run(['topics', 'truncate', topic, '--before', 'latest', '--yes'])
  expect(cells(truncated.stdout)).toContainEqual(['1', '0', '3', '3', '3'])
  const groups = ['--list']
  expect(await kafkaTool('kafka-consumer-groups', groups, cluster.bootstrap)).toContain(group)
  expect(await cli.run(['groups', 'delete', group, '-y'])).toMatchObject({
    code: 0,
    stderr: `Deleted ${group}.\n`,
  })
  expect(await kafkaTool('kafka-consumer-groups', groups, cluster.bootstrap)).not.toContain(group)
  expect(await cli.run(['groups', 'lag', uniqueName('nobody')])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('(group_not_found). See `sluice groups list`.'),
  })
})

it("cluster: brokers and disks, and configs that Kafka's own tool shows", async () => {
  const cli = await start()
  const { brokers } = await cli.json<{ brokers: { broker: number }[] }>('cluster', 'brokers')
  expect(brokers).toHaveLength(3)
  expect(cells((await cli.run(['cluster'])).stdout)).toContainEqual(['brokers', '3'])
  expect(
    (await cli.run(['cluster', 'log-dirs'])).stdout.split('\n').filter((line) => line.endsWith('ok')),
  ).toHaveLength(3)
  const { broker } = brokers[0]!
  const name = 'log.cleaner.backoff.ms'
  onTestFinished(async () => void (await cli.run(['cluster', 'alter', String(broker), '--unset', name])))
  expect(await cli.run(['cluster', 'alter', String(broker), '-c', `${name}=17000`])).toMatchObject({
    code: 0,
    stderr: `Changed for broker ${broker}.\n`,
  })
  const entity = ['--describe', '--entity-type', 'brokers', '--entity-name', String(broker)]
  expect(await kafkaTool('kafka-configs', entity, cluster.bootstrap)).toContain(`${name}=17000`)
  expect(
    cells((await cli.run(['cluster', 'configs', String(broker), '--name', name])).stdout),
  ).toContainEqual([name, '17000', 'broker'])
  expect(await cli.run(['cluster', 'alter', String(broker), '-c', `${name}=soon`])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('(invalid_config)'),
  })
  expect(await cli.run(['cluster', 'configs', '77'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('(broker_not_found). See `sluice cluster brokers`.'),
  })
  expect(await cli.run(['cluster', 'alter'])).toMatchObject({
    code: 2,
    stderr: 'sluice: nothing to change. Add --help to see what can be.\n',
  })
})

it("access: rules, quotas and users as Kafka's own tools show them", async () => {
  const cli = await start()
  const user = uniqueName('user')
  const topic = uniqueName()
  const remove = ['acls', 'delete', '--principal', `User:${user}`]
  onTestFinished(async () => {
    await cli.run([...remove, '-y'])
    await cli.run(['quotas', 'set', '--user', user, '--produce', 'none'])
    await cli.run(['users', 'delete', user, '-y'])
  })
  const made = await cli.run([
    'acls',
    'create',
    '--principal',
    `User:${user}`,
    '--operation',
    'read',
    '--operation',
    'write',
    '--topic',
    topic,
    '--prefixed',
  ])
  expect(made).toMatchObject({ code: 0, stderr: 'Created 2 rules.\n' })
  const acls = await kafkaTool('kafka-acls', ['--list', '--principal', `User:${user}`], cluster.bootstrap)
  expect(acls).toMatch(/patternType=PREFIXED[^]*operation=READ, permissionType=ALLOW/)
  const listed = await cli.run(['acls', 'list', '--topic', `${topic}-x`, '--applying'])
  expect(cells(listed.stdout)).toContainEqual([`User:${user}`, 'allow', 'read', 'topic', `${topic}…`, '*'])
  const ofId = ['--transactional-id', `${topic}-id`]
  expect(
    await cli.run(['acls', 'create', ...remove.slice(2), '--operation', 'describe', ...ofId]),
  ).toMatchObject({
    code: 0,
    stderr: 'Created 1 rule.\n',
  })
  expect(await cli.run([...remove, ...ofId, '--yes'])).toMatchObject({
    code: 0,
    stderr: 'Deleted 1 rule.\n',
  })
  expect(await cli.run(remove)).toMatchObject({ code: 2 })
  expect(await cli.run([...remove, '--operation', 'write', '--yes'])).toMatchObject({
    code: 0,
    stderr: 'Deleted 1 rule.\n',
  })

  await cli.run(['quotas', 'set', '--user', user, '--produce', '1MiB', '--requests', '50'])
  const quotas = ['--describe', '--entity-type', 'users', '--entity-name', user]
  expect(await kafkaTool('kafka-configs', quotas, cluster.bootstrap)).toMatch(
    /producer_byte_rate=1048576(\.0)?.*request_percentage=50|request_percentage=50(\.0)?.*producer_byte_rate=1048576/,
  )
  expect(cells((await cli.run(['quotas', 'list', '--user', user])).stdout)).toContainEqual([
    user,
    '-',
    '-',
    '1.0 MiB',
    '-',
    '50',
    '-',
    '-',
  ])
  await cli.run(['quotas', 'set', '--user', user, '--requests', 'none'])

  expect(await cli.run(['users', 'set-password', user], { input: 'secret\n' })).toEqual({
    code: 0,
    stdout: '',
    stderr: `Made ${user} (SCRAM-SHA-512).\n`,
  })
  expect(await kafkaTool('kafka-configs', quotas, cluster.bootstrap)).toContain('SCRAM-SHA-512')
  expect(cells((await cli.run(['users', 'list'])).stdout)).toContainEqual([user, 'SCRAM-SHA-512', '4096'])
  expect(await cli.run(['users', 'delete', user, '-y'])).toMatchObject({
    code: 0,
    stderr: `Deleted ${user}.\n`,
  })
  expect(await cli.run(['users', 'delete', user, '-y'])).toMatchObject({ code: 4 })
})

it("reassignment: done as it was planned and shown, followed to its end, and seen so by Kafka's own tool", async () => {
  const cli = await start()
  const topic = uniqueName()
  onTestFinished(() => removeTopic(topic, cluster.bootstrap))
  const [first, second, third] = (await cli.run(['cluster', 'brokers', '-q'])).stdout.trim().split('\n')
  await cli.run(['topics', 'create', topic, '--assignment', `${first},${second}`])
  const reassign = ['topics', 'reassign', topic, '--brokers', `${second},${third}`]
  const plan = await cli.run([...reassign, '--dry-run'])
  const [, [, , , to] = []] = cells(plan.stdout)
  expect(to).toMatch(new RegExp(`^(${second},${third}|${third},${second})$`))
  expect(await cli.run(reassign)).toMatchObject({ code: 2 })
  expect(await cli.run([...reassign, '--yes', '--follow'])).toMatchObject({ code: 0, stdout: plan.stdout })
  const shown = await kafkaTool('kafka-topics', ['--describe', '--topic', topic], cluster.bootstrap)
  expect(shown).toMatch(new RegExp(`Replicas: ${to}\\s`))
  expect((await cli.run([...reassign, '--yes'])).stderr).toBe('All is in place already.\n')
  expect(cells((await cli.run(['cluster', 'elect', '--topic', topic])).stdout)[1]).toEqual([
    topic,
    '0',
    to![0],
    to![0],
  ])
  expect(await cli.run(['cluster', 'reassignments', '--topic', topic, '--cancel', '-y'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('(no_reassignment)'),
  })
})
