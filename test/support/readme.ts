import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

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

/**
 * Has the shell run commands as a page shows them, against a gateway.
 * @returns what a command prints, read as JSON; undefined where it prints nothing
 */
export function shellAt(url: string): (command: string) => Promise<unknown> {
  return async (command) => {
    const here = command.replaceAll('http://127.0.0.1:8080', url)
    const { stdout } = await promisify(execFile)('sh', ['-c', here])
    return stdout === '' ? undefined : (JSON.parse(stdout) as unknown)
  }
}
