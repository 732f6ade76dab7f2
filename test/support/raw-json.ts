/** JSON taken apart without being parsed, so that every byte of a value can be compared. Of valid JSON alone. */

/** The members of an object, each value as it is written, with the space about it. */
export function rawMembers(text: string): Map<string, string> {
  const members = new Map<string, string>()
  for (const part of parts(text)) {
    const name = /^\s*("(?:[^"\\]|\\.)*")\s*:/s.exec(part)!
    members.set(JSON.parse(name[1]!) as string, part.slice(name[0].length))
  }
  return members
}

/** The elements of an array, each as it is written. */
export function rawElements(text: string): string[] {
  return parts(text)
}

/** What the commas of the outermost container part. */
function parts(text: string): string[] {
  const inner = text.trim().slice(1, -1)
  const found: string[] = []
  let depth = 0
  let start = 0
  for (const { 0: token, index } of inner.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},]/gs)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (token === ',' && depth === 0) {
      found.push(inner.slice(start, index))
      start = index + 1
    }
  }
  return inner.trim() === '' ? [] : [...found, inner.slice(start)]
}
