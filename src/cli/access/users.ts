import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { parseCount } from '../output/quantities.ts'
import { allPages, segment } from '../pages.ts'

export interface UserOptions {
  readonly mechanism?: string
  readonly iterations?: string
  readonly yes?: boolean
  readonly dryRun?: boolean
}

interface User {
  readonly user: string
  readonly credentials: readonly { readonly mechanism: string; readonly iterations: number }[]
}

export async function listUsers(context: Context): Promise<void> {
  const users = await allPages<User>(context, '/v1/users', 'users')
  await context.printList(
    { users },
    users,
    [
      { title: 'USER', value: ({ user }) => user },
      {
        title: 'LOGS IN BY',
        value: ({ credentials }) => credentials.map(({ mechanism }) => mechanism).join(', '),
      },
      {
        title: 'ITERATIONS',
        value: ({ credentials }) => credentials.map(({ iterations }) => iterations).join(', '),
      },
    ],
    ({ user }) => user,
  )
}

export async function setPassword(
  context: Context,
  { mechanism, iterations }: UserOptions,
  user: string,
): Promise<void> {
  const password = await readPassword(user)
  if (password === '') throw new UsageError('the password is empty')
  const { body, status } = await context.gateway.json<User>('PUT', `/v1/users/${segment(user)}`, {
    body: {
      mechanism,
      password,
      ...(iterations !== undefined && { iterations: parseCount(iterations, '--iterations', 1) }),
    },
  })
  if (context.json) await context.print(body, () => '')
  context.say(`${status === 201 ? 'Made' : 'Changed the password of'} ${user} (${mechanism}).`)
}

export async function deleteUser(
  context: Context,
  { mechanism, yes, dryRun = false }: UserOptions,
  user: string,
): Promise<void> {
  const path = `/v1/users/${segment(user)}`
  const what = mechanism === undefined ? user : `the ${mechanism} password of ${user}`
  if (dryRun) {
    const { body } = await context.gateway.json<User>('DELETE', path, { query: { mechanism, dryRun } })
    if (context.json) await context.print(body, () => '')
    context.say(`Would delete ${what}.`)
    return
  }
  await context.gateway.json('GET', path)
  await confirm(`Delete ${what}`, { yes })
  await context.gateway.json('DELETE', path, { query: { mechanism } })
  context.say(`Deleted ${what}.`)
}

/** The first line of standard input; typed without being shown. Command lines are seen by everyone on the machine. */
async function readPassword(user: string): Promise<string> {
  const { stdin } = process
  const isTerminal = stdin.isTTY === true
  if (isTerminal) {
    process.stderr.write(`Password of ${user}: `)
    stdin.setRawMode(true)
  }
  try {
    let text = ''
    for await (const piece of stdin.setEncoding('utf8')) {
      for (const c of piece as string) {
        if (c === '\x03') throw new UsageError('interrupted')
        if (c === '\n' || c === '\r' || c === '\x04') return text
        if (c === '\x7f' && isTerminal) text = text.slice(0, -1)
        else text += c
      }
    }
    return text
  } finally {
    if (isTerminal) {
      stdin.setRawMode(false)
      process.stderr.write('\n')
    }
  }
}
