/** How many things one line names. */
const MAX_NAMED = 5
/** A longer name is cut. */
const MAX_LENGTH = 300

/** What a request is about, in words, where that is several things: the first few. */
export function resourceText(names: Iterable<string>): string {
  const all = [...new Set(names)]
  const named = all.slice(0, MAX_NAMED).map((name) => name.slice(0, MAX_LENGTH))
  return named.join(', ') + (all.length > MAX_NAMED ? ', ...' : '')
}
