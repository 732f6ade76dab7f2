/** A pattern of topic names, in which `*` is any text and `?` any one character. */
export const GLOB = /^[A-Za-z0-9._*?-]{1,249}$/

/** Whether a name fits a pattern. Without a regular expression, whose time may grow with the stars' power. */
export function fitsGlob(pattern: string, name: string): boolean {
  let star = -1
  let tried = 0
  let p = 0
  for (let n = 0; n < name.length;) {
    if (p < pattern.length && (pattern[p] === '?' || (pattern[p] === name[n] && pattern[p] !== '*'))) {
      p++
      n++
    } else if (pattern[p] === '*') {
      star = p++
      tried = n
    } else if (star >= 0) {
      // The last star takes one character more: what the earlier ones took needs no second look.
      p = star + 1
      n = ++tried
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
