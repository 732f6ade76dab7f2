/** Colours and weights of a terminal; plain text anywhere else. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
}

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const

/**
 * The style of what is written to `stream`: plain where it is no terminal, where NO_COLOR is set (no-color.org), or
 * where the terminal can't.
 */
export function styleOf(stream: { readonly isTTY?: boolean }, wanted = true, env = process.env): Style {
  const on = wanted && stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  const paint = (name: keyof typeof codes) => (text: string) =>
    on && text !== '' ? `\x1b[${codes[name][0]}m${text}\x1b[${codes[name][1]}m` : text
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
  }
}
