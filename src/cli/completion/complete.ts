import type { Command, Option } from 'commander'
import { Gateway } from '../gateway-client.ts'
import { allCommands, DEFAULT_URL, makeProgram } from '../program.ts'

/** Names are asked of the gateway for so long: a key is pressed, and somebody waits, ms. */
const NAMES_MS = 1_000

export interface Candidate {
  readonly value: string
  readonly about: string
}

/** Lists of names, by what arguments and options call them. */
const lists: Readonly<Record<string, { path: string; items: string; name: string }>> = {
  topic: { path: '/v1/topics', items: 'topics', name: 'name' },
  group: { path: '/v1/groups', items: 'groups', name: 'group' },
  broker: { path: '/v1/brokers', items: 'brokers', name: 'broker' },
  user: { path: '/v1/users', items: 'users', name: 'user' },
}

/** What the last word may become: commands, options, and names that the gateway knows. Never an error. */
export async function complete(words: readonly string[]): Promise<Candidate[]> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const program = await makeProgram(before)
  const { command, operands, pending, url } = walk(program, before)
  const candidates = async (): Promise<Candidate[]> => {
    if (pending !== undefined) return valuesOf(pending, url)
    if (current.startsWith('-')) return optionsOf(program, command)
    if (command.commands.length > 0) return commandsOf(command)
    return argumentsOf(command, operands, url)
  }
  return (await candidates()).filter(({ value }) => value.startsWith(current))
}

interface Place {
  readonly command: Command
  /** Arguments of the command that are there already. */
  readonly operands: readonly string[]
  /** The option whose value comes next. */
  readonly pending: Option | undefined
  readonly url: string
}

/** Where in the command line the words end. */
function walk(program: Command, words: readonly string[]): Place {
  let command = program
  let operands: string[] = []
  let pending: Option | undefined
  let url = process.env.SLUICE_URL ?? DEFAULT_URL
  for (const word of words) {
    if (pending !== undefined) {
      if (pending.attributeName() === 'url') url = word
      pending = undefined
    } else if (word.startsWith('-') && word !== '-') {
      const [flag, value] = word.split('=', 2)
      const option = [...command.options, ...program.options].find(
        ({ short, long }) => short === flag || long === flag,
      )
      if (option !== undefined && takesValue(option)) {
        if (value === undefined) pending = option
        else if (option.attributeName() === 'url') url = value
      }
    } else {
      const next = command.commands.find((sub) => sub.name() === word || sub.aliases().includes(word))
      if (next === undefined) operands.push(word)
      else [command, operands] = [next, []]
    }
  }
  return { command, operands, pending, url }
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional
}

function commandsOf(command: Command): Candidate[] {
  return allCommands(command).map((sub) => ({ value: sub.name(), about: sub.summary() || sub.description() }))
}

function optionsOf(program: Command, command: Command): Candidate[] {
  return [...command.options, ...program.options, program.createOption('--help', 'print help')]
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', about: description }))
}

/** What an option may be set to. */
function valuesOf(option: Option, url: string): Promise<Candidate[]> | Candidate[] {
  if (option.argChoices !== undefined) return option.argChoices.map((value) => ({ value, about: '' }))
  return namesOf(option.long?.slice(2) ?? '', url)
}

function argumentsOf(
  command: Command,
  operands: readonly string[],
  url: string,
): Promise<Candidate[]> | Candidate[] {
  const { registeredArguments } = command
  const next = registeredArguments[operands.length] ?? registeredArguments.at(-1)
  if (next === undefined || (operands.length >= registeredArguments.length && !next.variadic)) return []
  if (next.argChoices !== undefined) return next.argChoices.map((value) => ({ value, about: '' }))
  return namesOf(next.name(), url)
}

/** The names there are of something; none where the gateway does not say in time. */
async function namesOf(what: string, url: string): Promise<Candidate[]> {
  const list = lists[what]
  if (list === undefined) return []
  try {
    const { body } = await new Gateway(url).json<Record<string, Record<string, unknown>[] | undefined>>(
      'GET',
      list.path,
      {
        signal: AbortSignal.timeout(NAMES_MS),
      },
    )
    return (body[list.items] ?? []).map((item) => ({ value: String(item[list.name]), about: what }))
  } catch {
    return []
  }
}
