import { Argument, type Command } from 'commander'
import { does } from '../context.ts'
import { examples } from '../program.ts'

/** `sluice completion`. */
export function defineCompletion(command: Command): void {
  command.addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
  examples(
    command,
    `
    source <(sluice completion bash)        in ~/.bashrc
    source <(sluice completion zsh)         in ~/.zshrc, after compinit
    sluice completion fish | source         in ~/.config/fish/config.fish
  `,
  )
  does(command, async (_context, _options, shell: 'bash' | 'zsh' | 'fish') => {
    const [{ scripts }, { write }] = await Promise.all([
      import('../completion/scripts.ts'),
      import('../output/stdout.ts'),
    ])
    await write(scripts[shell])
  })
}

/** `sluice __complete -- WORDS`: what the scripts ask. The last word is the one that is being typed, maybe empty. */
export function defineComplete(command: Command): void {
  command.argument('[words...]')
  does(command, async (_context, _options, words: string[]) => {
    const [{ complete }, { write }] = await Promise.all([
      import('../completion/complete.ts'),
      import('../output/stdout.ts'),
    ])
    const found = await complete(words)
    await write(found.map(({ value, about }) => `${value}\t${about}\n`).join(''))
  })
}
