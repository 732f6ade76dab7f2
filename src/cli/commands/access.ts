import { type Command, Option } from 'commander'
import type { AclOptions } from '../access/acls.ts'
import type { QuotaOptions } from '../access/quotas.ts'
import type { UserOptions } from '../access/users.ts'
import { collect, does } from '../context.ts'
import { examples } from '../program.ts'

/** What an ACL is about: of these options create takes several, the others one. */
function resourceOptions(command: Command): Command {
  return command
    .option('--topic <name>', 'a topic, or * for all', collect)
    .option('--group <name>', 'a consumer group', collect)
    .option('--transactional-id <id>', 'a transactional id', collect)
    .option('--cluster', 'the cluster itself')
    .option('--host <address>', 'only from this address')
}

/** `sluice acls`. */
export function defineAcls(acls: Command): void {
  const list = acls.command('list').alias('ls').description('List access rules.')
  resourceOptions(list)
    .option('--principal <principal>', 'only of this one, such as User:alice')
    .option('--operation <operation>', 'only of this operation, such as read')
    .option('--applying', 'those that apply to the resource: by its name, its beginning, or to all')
  examples(
    list,
    `
    sluice acls list
    sluice acls list --topic orders --applying
  `,
  )
  does(list, async (context, options: AclOptions) =>
    (await import('../access/acls.ts')).listAcls(context, options),
  )

  const create = acls.command('create').description('Allow, or deny, principals operations.')
  resourceOptions(create)
    .requiredOption('--principal <principal>', 'whom, such as User:alice, or User:* for everyone', collect)
    .requiredOption('--operation <operation>', 'what, such as read, write, describe, all', collect)
    .option('--prefixed', 'names are beginnings of names')
    .option('--deny', 'deny in place of allow')
    .option('--dry-run', 'only show what would be made')
  examples(
    create,
    `
    sluice acls create --principal User:alice --operation read --topic orders --group billing
    sluice acls create --principal User:app --operation write --topic logs- --prefixed
  `,
  )
  does(create, async (context, options: AclOptions) =>
    (await import('../access/acls.ts')).createAcls(context, options),
  )

  const remove = acls
    .command('delete')
    .alias('rm')
    .description('Delete every access rule that all options fit.')
  resourceOptions(remove)
    .option('--principal <principal>', 'of this one, such as User:alice')
    .option('--operation <operation>', 'of this operation, such as read')
    .option('--prefixed', 'of those for beginnings of names alone')
    .option('--deny', 'of those that deny alone')
    .option('--all', 'each and every one')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show which')
  examples(remove, 'sluice acls delete --principal User:alice --dry-run')
  does(remove, async (context, options: AclOptions) =>
    (await import('../access/acls.ts')).deleteAcls(context, options),
  )
}

/** Whom quotas are for. */
function entityOptions(command: Command): Command {
  return command
    .option('--user <name>', 'a user; "" for everyone who has none of their own')
    .option('--client-id <id>', 'a client\'s id; "" for all')
    .option('--ip <address>', 'an address; "" for all')
}

/** `sluice quotas`. */
export function defineQuotas(quotas: Command): void {
  const list = quotas.command('list').alias('ls').description('List quotas.')
  entityOptions(list)
  examples(list, 'sluice quotas list --user alice')
  does(list, async (context, options: QuotaOptions) =>
    (await import('../access/quotas.ts')).listQuotas(context, options),
  )

  const set = quotas.command('set').description('Set quotas; `none` removes one. Those not named stay.')
  entityOptions(set)
    .option('--produce <bytes>', 'bytes a second that each broker takes, such as 10MB')
    .option('--consume <bytes>', 'bytes a second that each broker gives')
    .option('--requests <percent>', "percent of a thread's time")
    .option('--mutations <n>', 'partitions a second that it may make or delete')
    .option('--connections <n>', 'connections a second, of an address')
    .option('--dry-run', 'only ask Kafka whether it would')
  examples(
    set,
    `
    sluice quotas set --user alice --produce 10MB --consume 20MB
    sluice quotas set --user "" --requests 50 --dry-run
    sluice quotas set --client-id batch --produce none
  `,
  )
  does(set, async (context, options: QuotaOptions) =>
    (await import('../access/quotas.ts')).setQuotas(context, options),
  )
}

/** `sluice users`. */
export function defineUsers(users: Command): void {
  const mechanism = () =>
    new Option('-m, --mechanism <mechanism>', 'how they log in').choices(['SCRAM-SHA-256', 'SCRAM-SHA-512'])

  const list = users.command('list').alias('ls').description('List SCRAM users.')
  examples(list, 'sluice users list')
  does(list, async (context) => (await import('../access/users.ts')).listUsers(context))

  const set = users
    .command('set-password')
    .alias('create')
    .description('Make a user, or change the password. It is read from standard input.')
  set
    .argument('<user>')
    .addOption(mechanism().default('SCRAM-SHA-512'))
    .option('--iterations <n>', 'how often it is hashed')
  examples(
    set,
    `
    sluice users set-password alice
    pass show kafka/alice | sluice users set-password alice
  `,
  )
  does(set, async (context, options: UserOptions, user: string) =>
    (await import('../access/users.ts')).setPassword(context, options, user),
  )

  const remove = users.command('delete').alias('rm').description('Delete a user, or one of its passwords.')
  remove
    .argument('<user>')
    .addOption(mechanism())
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only say what would be deleted')
  examples(remove, 'sluice users delete alice')
  does(remove, async (context, options: UserOptions, user: string) =>
    (await import('../access/users.ts')).deleteUser(context, options, user),
  )
}
