import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CodeBlock {
  readonly language: string
  readonly code: string
  /** In its file, from 1. */
  readonly line: number
}

/** The fenced code blocks of a file of the repository, by its path, in order. */
export function codeBlocks(path: string): CodeBlock[] {
  const text = readFileSync(join(import.meta.dirname, '../..', path), 'utf8')
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
