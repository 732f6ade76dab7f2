import type { Command } from 'commander'
import type { AbortOptions, TransactionListOptions } from '../access/transactions.ts'
import { collect, does } from '../context.ts'
import { examples } from '../program.ts'

/** `sluice transactions`. */
export function defineTransactions(transactions: Command): void {
  const list = transactions
    .command('list')
    .alias('ls')
    .description('List transactional ids, and what is under way.')
  list
    .argument('[prefix]', 'only ids that begin so')
    .option('--state <state>', 'only in this state, such as Ongoing, any number of times', collect)
    .option('--longer-than <time>', 'only transactions that are open for longer, such as 10m')
  examples(list, 'sluice transactions list --state Ongoing')
  does(list, async (context, options: TransactionListOptions, prefix: string | undefined) =>
    (await import('../access/transactions.ts')).listTransactions(context, options, prefix),
  )

  const describe = transactions
    .command('describe')
    .alias('show')
    .description('Show a transactional id, and what is open under it.')
  describe.argument('<id>')
  examples(describe, 'sluice transactions describe orders-billing-0')
  does(describe, async (context, _options, id: string) =>
    (await import('../access/transactions.ts')).describeTransaction(context, id),
  )

  const abort = transactions
    .command('abort')
    .description('Abort the transaction that is open under an id; its producer is fenced.')
  abort
    .argument('<id>')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show what would be aborted')
  examples(abort, 'sluice transactions abort orders-billing-0 --dry-run')
  does(abort, async (context, options: AbortOptions, id: string) =>
    (await import('../access/transactions.ts')).abortTransaction(context, options, id),
  )

  const hanging = transactions.command('hanging').description('Find transactions that nobody will ever end.')
  hanging
    .option('-t, --topic <topic>', 'in this topic alone')
    .option('--older-than <time>', 'only those whose last record is so old; default: 15m')
  examples(hanging, 'sluice transactions hanging --topic orders')
  does(hanging, async (context, options: { topic?: string; olderThan?: string }) =>
    (await import('../access/transactions.ts')).listHanging(context, options),
  )

  const abortHanging = transactions.command('abort-hanging').description('Abort one that `hanging` found.')
  abortHanging
    .argument('<topic>')
    .argument('<partition>')
    .argument('<producer-id>')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show what would be aborted')
  examples(abortHanging, 'sluice transactions abort-hanging orders 2 4002')
  does(
    abortHanging,
    async (context, options: AbortOptions, topic: string, partition: string, producer: string) =>
      (await import('../access/transactions.ts')).abortHanging(context, options, topic, partition, producer),
  )

  const producers = transactions
    .command('producers')
    .description('List the producers that a partition remembers.')
  producers.argument('<topic>').argument('<partition>')
  examples(producers, 'sluice transactions producers orders 2')
  does(producers, async (context, _options, topic: string, partition: string) =>
    (await import('../access/transactions.ts')).listProducers(context, topic, partition),
  )
}
