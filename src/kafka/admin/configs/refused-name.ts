/**
 * Which of the given names a broker's sentence is about; undefined where that cannot be told. The sentence is only
 * searched and never handed on: its wording changes between versions and may hold addresses.
 */
export function refusedName(names: readonly string[], brokerText: string | null): string | undefined {
  const text = brokerText ?? ''
  // The longest that fits, since one name may be the start of another.
  const named = names.filter((name) => name !== '' && text.includes(name)).sort((a, b) => b.length - a.length)
  return named[0] ?? (names.length === 1 ? names[0] : undefined)
}
