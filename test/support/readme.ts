import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CodeBlock {
  readonly language: string
  readonly code: string
  /** In the README, from 1. */
  readonly line: number
}

/** The fenced code blocks of the README, in order. */
export function readmeBlocks(): CodeBlock[] {
  const text = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1]!,
    code: match[2]!,
    line: text.slice(0, match.index).split('\n').length + 1,
  }))
}

/** The commands of a shell block: a blank line ends one, a backslash continues it. */
export function shellCommands(block: CodeBlock): string[] {
  return block.code
    .split(/\n\s*\n/)
    .map((command) => command.trim())
    .filter((command) => command !== '')
}
