import { expect, it, onTestFinished, vi } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { removeTopic, withAdmin } from '../../support/kafka.ts'
import { codeBlocks, shellAt, shellCommands } from '../../support/readme.ts'

/** The page's names are not unique: nothing of an earlier run may be left, nor of this one. */
async function forget(): Promise<void> {
  await Promise.all(['payments', 'invoices'].map((topic) => removeTopic(topic)))
  const groups = ['billing', 'sluice-id-payment-42']
  await withAdmin((admin) => admin.deleteGroups(groups).then(() => {})).catch(() => {})
}

it('docs/transactions.md shows commands that work as written, and may be repeated', async () => {
  await forget()
  const { url } = await startTestGateway()
  onTestFinished(forget)
  const run = shellAt(url)
  const blocks = codeBlocks('docs/transactions.md')
  expect(blocks.map(({ language }) => language)).toEqual(['sh', 'sh'])
  const [payments, invoices, commit, state, read, ...more] = shellCommands(blocks[0]!)
  expect(more).toEqual([])
  expect(await run(payments!)).toMatchObject({ name: 'payments' })
  expect(await run(invoices!)).toMatchObject({ name: 'invoices' })
  const committed = await run(commit!)
  expect(committed).toMatchObject({ transaction: 'payment-42', state: 'committed', duplicate: false })
  expect(await run(commit!)).toEqual({ ...(committed as object), duplicate: true })
  expect(await run(state!)).toEqual({ transaction: 'payment-42', state: 'committed' })
  await vi.waitFor(async () => {
    expect(await run(read!)).toMatchObject({ records: [{ key: 'order-17', value: { total: 12.5 } }] })
  })

  const [open, abort, hanging, producers, end, ...others] = shellCommands(blocks[1]!)
  expect(others).toEqual([])
  expect(await run(open!)).toMatchObject({ unanswered: [], next: null })
  const transactionalId = 'sluice-id-payment-42'
  expect(await run(abort!)).toMatchObject({ transactionalId, gateway: true, aborted: false, dryRun: true })
  expect(await run(hanging!)).toMatchObject({ unanswered: [] })
  expect(await run(producers!)).toMatchObject({ producers: [{ transactionStartOffset: null }] })
  expect(await run(end!)).toMatchObject({ code: 'no_open_transaction' })
})
