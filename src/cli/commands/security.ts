import type { Command } from 'commander'
import { collect, does } from '../context.ts'
import type { KeyOptions } from '../keys/keys.ts'
import type { PolicyOptions } from '../policy/policy.ts'
import { examples } from '../program.ts'

const inFile = '--file <path>'

/** `sluice keys`: works on the gateway's file of keys, not over HTTP. */
export function defineKeys(keys: Command): void {
  const own = () => import('../keys/keys.ts')
  const fileOf = (command: Command) =>
    command.option(inFile, 'the file of keys; SLUICE_API_KEYS_FILE by default')

  const create = fileOf(keys.command('create').description('Make a key, and print it, this once.'))
    .argument('<id>', 'what logs and rules call it')
    .option('--role <role>', 'a role that rules name as role:NAME', collect)
    .option('--scope <operation>', 'what it may be used for at most, such as produce', collect)
    .option('--expires <duration>', 'when it ends, such as 90d')
  examples(
    create,
    `
    sluice keys create billing
    sluice keys create sensor-7 --scope produce --expires 1y
  `,
  )
  does(create, async (context, options: KeyOptions, id: string) =>
    (await own()).createKey(context, options, id),
  )

  const rotate = fileOf(keys.command('rotate').description('Give a key a new secret, beside the one in use.'))
    .argument('<id>')
    .option('--expires <duration>', 'when the new one ends, such as 90d')
  does(rotate, async (context, options: KeyOptions, id: string) =>
    (await own()).rotateKey(context, options, id),
  )

  const retire = fileOf(
    keys.command('retire').description('Have all secrets of a key but the newest end.'),
  ).argument('<id>')
  does(retire, async (context, options: KeyOptions, id: string) =>
    (await own()).retireKey(context, options, id),
  )

  const revoke = fileOf(
    keys.command('revoke').alias('rm').description('Take a key away, and end its streams.'),
  ).argument('<id>')
  does(revoke, async (context, options: KeyOptions, id: string) =>
    (await own()).revokeKey(context, options, id),
  )

  const list = fileOf(keys.command('list').alias('ls').description('List the keys, without their secrets.'))
  does(list, async (context, options: KeyOptions) => (await own()).listKeys(context, options))
}

/** `sluice policy`: works on the gateway's file of rules, not over HTTP. */
export function definePolicy(policy: Command): void {
  const own = () => import('../policy/policy.ts')
  const fileOf = (command: Command) =>
    command.option(inFile, 'the file of rules; SLUICE_POLICY_FILE by default')

  const check = fileOf(policy.command('check').description('Say whether a gateway would take the rules.'))
  does(check, async (context, options: PolicyOptions) => (await own()).checkPolicy(context, options))

  const test = fileOf(policy.command('test').description('Say what is decided, and which rule decides.'))
    .option('--as <principal>', 'key:ID, user:SUBJECT, cert:NAME or anonymous', 'anonymous')
    .option('--role <role>', 'a role that its key or token gives it', collect)
    .requiredOption('--op <operation>', 'produce, consume, describe, create, alter, delete, admin')
    .option('--topic <name>', 'to this topic')
    .option('--group <name>', 'to this group')
    .option('--cluster', 'to the cluster')
  examples(
    test,
    `
    sluice policy test --as key:billing --op consume --topic orders
    sluice policy test --as user:ann --role ops --op admin --cluster
  `,
  )
  does(test, async (context, options: PolicyOptions) => (await own()).testPolicy(context, options))
}
