import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { Cli } from '../../support/cli.ts'
import { startCuttingProxy } from '../../support/cutting-proxy.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets, membersOf } from '../../support/groups.ts'
import { makeTopic, removeTopic, uniqueName, withAdmin, witness } from '../../support/kafka.ts'
import { readAll } from '../../support/read-all.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { until } from '../../support/until.ts'

const lines = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `line ${from + n}`)

async function send(topic: string, values: readonly string[]): Promise<void> {
  const producer = witness().producer()
  await producer.connect()
  await producer.send({ topic, messages: values.map((value) => ({ value })) })
  await producer.disconnect()
}

it('produce writes lines as they are: keys, null, headers, bytes that are no text; consume prints them again', async () => {
  const topic = await makeTopic()
  const cli = new Cli(await startTestGateway())
  const input = Buffer.concat([
    Buffer.from('a:1\nb:\n\nc:NULL\nd:x:y\nNULL:z\n'),
    Buffer.from([0xff, 0x3a, 0xfe, 0x0a]),
    Buffer.from('e:"1.0"\r\n{"n":1.0}:{"id": 12345678901234567890}'),
  ])
  const args = ['produce', topic, '-K:', '--null-value', 'NULL', '-H', 'source=shell', '-H', 'empty=']
  const produced = await cli.run(args, { input })
  // An empty line has no key to be parted from its value.
  expect(produced.stderr).toMatch(
    /^sluice: line 3 was not sent: there is no ":" after a key\.\nWrote 8 records, 1 not written\.\n$/,
  )
  expect(produced.code).toBe(3)

  const records = await readAll(topic)
  expect(
    records.map(({ key, value }) => [key?.toString('latin1') ?? null, value?.toString('latin1') ?? null]),
  ).toEqual([
    ['a', '1'],
    ['b', ''],
    ['c', null],
    ['d', 'x:y'],
    [null, 'z'],
    ['\xff', '\xfe'],
    ['e', '"1.0"\r'],
    ['{"n"', '1.0}:{"id": 12345678901234567890}'],
  ])
  for (const { headers } of records)
    expect(headers).toEqual({ source: Buffer.from('shell'), empty: Buffer.from('') })

  const consumer = cli.start(['consume', topic, '-e', '-f', '%k:%s'])
  expect((await consumer.ended).code).toBe(0)
  expect(consumer.bytes.toString('latin1')).toBe(
    'a:1\nb:\nc:\nd:x:y\n:z\n\xff:\xfe\ne:"1.0"\r\n{"n":1.0}:{"id": 12345678901234567890}\n',
  )
})

it('produce --json takes records as the gateway does, tells which lines are none, and consume --json keeps every digit', async () => {
  const topic = await makeTopic({ partitions: 2 })
  const cli = new Cli(await startTestGateway())
  const input =
    '{"value": {"n": 1.0}, "partition": 1}\n\n{"value": }\n{"key": "k", "value": null, "headers": {"a": "b"}, "partition": 0}\n'
  const produced = await cli.run(['produce', topic, '--json'], { input })
  expect(produced).toMatchObject({ code: 3, stdout: '' })
  expect(produced.stderr).toMatch(
    /^sluice: line 3 was not written: .*\(malformed_json\)\.\nWrote 2 records, 1 not written\.\n$/,
  )

  const { stdout } = await cli.run(['consume', topic, '--from-beginning', '-c', '2', '--json'])
  const [first, second] = stdout.split('\n').sort()
  expect([first, second]).toEqual([
    '',
    expect.stringContaining('"key":"k","value":null,"headers":{"a":"b"}}'),
  ])
  expect(stdout).toContain('"key":null,"value":{"n": 1.0},"headers":{}}\n')
})

it('consume starts where it is told and prints what it is asked for', async () => {
  const topic = await makeTopic()
  const cli = new Cli(await startTestGateway())
  await cli.run(['produce', topic, '-k', 'one', '--timestamp', '1700000000000'], { input: 'old\n' })
  await cli.run(['produce', topic, '-k', 'two', '-H', 'level=error'], { input: 'new\nlast\n' })
  const consume = async (...args: string[]) => (await cli.run(['consume', topic, '-e', ...args])).stdout
  expect(await consume()).toBe('old\nnew\nlast\n')
  expect(await consume('-o', '-1', '-K', ' = ')).toBe('two = last\n')
  expect(await consume('--from', '1 hour ago')).toBe('new\nlast\n')
  expect(await consume('--until', '1', '--timestamp')).toBe('2023-11-14T22:13:20.000Z\told\n')
  expect(await consume('--key', 'one', '-f', '%t %p %o %T %K %S %h|%%')).toBe(
    `${topic} 0 0 1700000000000 3 3 |%\n`,
  )
  expect(await consume('--header', 'level=error', '-c', '1', '-f', '%h\\n')).toBe('level=error\n')
})

it('consume goes on after every lost connection, with nothing missing and nothing twice', async () => {
  const topic = await makeTopic({ partitions: 3 })
  const gateway = await startTestGateway()
  const proxy = await startCuttingProxy([gateway], ['none'])
  const consumer = new Cli(proxy).start(['consume', topic, '--from', 'latest'])
  // `latest` is where it stood first, also where the connection drops before there was a record.
  await until(async () => (await fetch(`${gateway.url}/readyz`)).ok)
  const probe = async () => {
    await send(topic, ['probe'])
    return consumer.stdout.includes('probe')
  }
  await until(probe, 20_000)
  const probes = (await readAll(topic)).length
  for (let round = 0; round < 4; round++) {
    proxy.cutAll()
    await send(topic, lines(500, round * 500))
    await until(() => consumer.stdout.split('\n').length > (round + 1) * 500, 20_000)
  }
  consumer.child.kill('SIGINT')
  const { code, stdout, stderr } = await consumer.ended
  expect(code).toBe(0)
  expect(stderr).toContain('sluice: the connection was lost; connecting again.\n')
  const printed = stdout.split('\n').filter((line) => line.startsWith('line '))
  expect(printed.toSorted()).toEqual(lines(2_000).toSorted())
  expect(stdout.split('\n').filter((line) => line === 'probe').length).toBeLessThanOrEqual(probes)
}, 60_000)

it('a group has committed exactly what was printed when SIGINT ends its consumer, and is left in order', async () => {
  const topic = await makeTopic()
  const group = uniqueName('group')
  onTestFinished(() => withAdmin((admin) => admin.deleteGroups([group]).then(() => {})).catch(() => {}))
  const cli = new Cli(await startTestGateway())
  await send(topic, lines(10))
  const first = cli.start(['consume', topic, '-g', group, '--from-beginning'])
  await until(() => first.stdout.includes('line 9\n'), 20_000)
  first.child.kill('SIGINT')
  expect(await first.ended).toEqual({ code: 0, stdout: `${lines(10).join('\n')}\n`, stderr: '' })
  expect(await committedOffsets(group, topic)).toEqual([10])
  expect(await membersOf(group)).toBe(0)

  await send(topic, lines(5, 10))
  const second = await cli.run(['consume', topic, '--group', group, '--max-messages', '2'])
  expect(second.stdout).toBe('line 10\nline 11\n')
  expect(await committedOffsets(group, topic)).toEqual([12])
  const third = await cli.run(['consume', topic, '--group', group, '--exit'])
  expect(third.stdout).toBe('line 12\nline 13\nline 14\n')
  expect(await committedOffsets(group, topic)).toEqual([15])
})

it('consume ends quietly when its reader has enough', async () => {
  const topic = await makeTopic()
  const { url } = await startTestGateway()
  // More than a pipe holds.
  const input = lines(20_000).map((line) => `${line} ${'x'.repeat(50)}\n`)
  await new Cli({ url }).run(['produce', topic], { input: input.join('') })
  const command = `'${process.execPath}' bin/sluice.mjs consume ${topic} -e | head -n 2; echo "\${PIPESTATUS[@]}"`
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-c', command], {
    cwd: join(import.meta.dirname, '../../..'),
    env: { PATH: process.env.PATH, SLUICE_URL: url },
  })
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^line 0 x+\nline 1 x+\n0 0\n$/)
})

it('a stream of lines that does not end is written as it comes, in little memory', async () => {
  const topic = await makeTopic()
  onTestFinished(() => removeTopic(topic))
  const producer = new Cli(await startTestGateway()).start(['produce', topic], {}, true)
  const ends = () => withAdmin((admin) => admin.fetchTopicOffsets(topic))
  producer.child.stdin!.write('first\n')
  await until(async () => (await ends())[0]!.high === '1', 20_000)
  const piece = `${'x'.repeat(199)}\n`.repeat(5_000)
  for (let n = 0; n < 60; n++) {
    await new Promise<void>((resolve) => producer.child.stdin!.write(piece, () => resolve()))
  }
  await until(async () => (await ends())[0]!.high === '300001', 60_000)
  const [, peak] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${producer.child.pid}/status`, 'utf8'))!
  producer.child.stdin!.end()
  expect(await producer.ended).toEqual({ code: 0, stdout: '', stderr: 'Wrote 300,001 records.\n' })
  expect(Number(peak) / 1024).toBeLessThan(200)
}, 90_000)

it('produce says which lines are written, and of which it is not known, when the connection breaks', async () => {
  const topic = await makeTopic()
  const proxy = await startCuttingProxy([await startTestGateway()], ['none'])
  const producer = new Cli(proxy).start(['produce', topic], {}, true)
  producer.child.stdin!.write(`${lines(3).join('\n')}\n`)
  await until(
    async () => (await withAdmin((admin) => admin.fetchTopicOffsets(topic)))[0]!.high === '3',
    20_000,
  )
  proxy.cutAll()
  const { code, stderr } = await producer.ended
  // It may break between the write and its answer.
  expect(stderr).toMatch(
    /^Wrote (3 records\.\nsluice: .* broke off: nothing after line 3 was sent|0 records\.\nsluice: .* broke off: of lines 1 to 3 it is not known)/,
  )
  expect(code).toBe(stderr.startsWith('Wrote 3') ? 3 : 5)
})

it('an export goes on after lost connections, and imported it is the same, byte for byte', async () => {
  const [topic, copy] = [await makeTopic({ partitions: 2 }), await makeTopic({ partitions: 2 })]
  const gateway = await startTestGateway()
  const cli = new Cli(gateway)
  const input = Buffer.concat([
    ...lines(30_000).map((line, n) => Buffer.from(`key-${n}:{"line": "${line}", "n": 1.0}\n`)),
    Buffer.from([0xff, 0x3a, 0xfe, 0x0a]),
    Buffer.from('a:NULL\nNULL:z\nb:\n'),
  ])
  const args = ['produce', topic, '-K:', '--null-value', 'NULL', '-H', 'a=b', '--timestamp', '1700000000000']
  expect(await cli.run(args, { input })).toMatchObject({ code: 0 })

  const proxy = await startCuttingProxy([gateway], ['none'])
  const file = join(temporaryDir(), 'export.ndjson')
  const size = () => (existsSync(file) ? statSync(file).size : 0)
  const exporting = new Cli(proxy).start(['export', topic, '-o', file])
  for (let cuts = 0; cuts < 3; cuts++) {
    const before = size()
    await until(() => size() > before || exporting.stderr.startsWith('Wrote'), 20_000)
    proxy.cutAll()
  }
  const exported = await exporting.ended
  expect(exported).toMatchObject({ code: 0, stderr: expect.stringContaining('Wrote 30,004 records, ') })
  const imported = await cli.run(['import', copy, file, '--keep-partitions'])
  expect(imported).toEqual({ code: 0, stdout: '', stderr: 'Wrote 30,004 records.\n' })
  const [original, same] = [await readAll(topic), await readAll(copy)]
  const content = (records: typeof original) =>
    records.map(({ partition, offset, key, value, headers, timestamp }) =>
      JSON.stringify([
        partition,
        offset,
        key?.toString('latin1') ?? null,
        value?.toString('latin1') ?? null,
        headers,
        timestamp,
      ]),
    )
  expect(content(same).toSorted()).toEqual(content(original).toSorted())
}, 90_000)

it('what cannot be is said in one line, with its code and the next step, and has an exit code of its own', async () => {
  const missing = uniqueName('missing')
  const cli = new Cli(await startTestGateway())
  const nobody = new Cli({ url: 'http://127.0.0.1:1' })
  const see = 'See `sluice topics list`, or create it with `sluice topics create NAME`.\n'
  const cases: [Promise<unknown>, number, string | RegExp][] = [
    [
      cli.run(['produce', missing], { input: 'a\n' }),
      4,
      new RegExp(`^sluice: .*\\(topic_not_found\\)\\. ${see}$`),
    ],
    [cli.run(['consume', missing]), 4, `sluice: There is no topic ${missing} (topic_not_found). ${see}`],
    [
      cli.run(['consume', 'a', '--from', 'soon']),
      2,
      /^sluice: --from soon is no position\. Write it as .*\n$/,
    ],
    [
      cli.run(['produce', 'a', '--kye', 'x']),
      2,
      /^sluice: unknown option '--kye' \(Did you mean --key\?\)\. Add --help .*\n$/,
    ],
    [
      cli.run(['produce', 'a', '-l', join(temporaryDir(), 'no')]),
      2,
      /^sluice: .*\/no: there is no such file\.\n$/,
    ],
    [cli.run(['topic']), 2, /^sluice: unknown command 'topic' \(Did you mean topics\?\)\./],
    [
      nobody.run(['topics', 'list']),
      5,
      /^sluice: no gateway at http:\/\/127\.0\.0\.1:1: nothing listens there\. Start one with `sluice up`/,
    ],
    [
      nobody.run(['consume', 'a']),
      5,
      /^sluice: no gateway at http:\/\/127\.0\.0\.1:1: nothing listens there\. /,
    ],
  ]
  for (const [result, code, stderr] of cases) {
    expect(await result).toEqual({
      code,
      stdout: '',
      stderr: typeof stderr === 'string' ? stderr : expect.stringMatching(stderr),
    })
  }
})
