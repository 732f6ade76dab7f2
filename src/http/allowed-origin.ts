const loopback = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Whether a page of this origin may open a WebSocket here, or read records. A browser sends no preflight for a WebSocket, so
 * without this check any page a developer visits could read their Kafka through the gateway on their machine; an answer
 * over HTTP it only shows to a page that the answer allows. Allowed are the gateway's own
 * origin, pages from this machine, and what SLUICE_ALLOWED_ORIGINS lists, each compared whole; `null` never is.
 */
export function isAllowedOrigin(
  origin: string,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (allowed.includes(origin) || allowed.includes('*')) return true
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  return url.host === host?.toLowerCase() || loopback.has(url.hostname)
}
