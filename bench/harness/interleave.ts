type Sides = Readonly<Record<string, () => Promise<unknown>>>
type Rounds<S extends Sides> = { [K in keyof S]: Awaited<ReturnType<S[K]>>[] }

/**
 * Measures each side in turn, A B A B, so that whatever drifts (a neighbour, the disk, a growing log) drifts for all.
 * The first turn of each is thrown away: code is compiled and connections are opened in it.
 */
export async function interleave<S extends Sides>(
  sides: S,
  rounds: number,
  progress: (text: string) => void,
): Promise<Rounds<S>> {
  const names: (keyof S)[] = Object.keys(sides)
  const kept = Object.fromEntries(names.map((name) => [name, [] as unknown[]]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      progress(`${String(name)}, ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}`)
      const result = await sides[name]!()
      if (round > 0) kept[name as string]!.push(result)
    }
  }
  return kept as Rounds<S>
}
