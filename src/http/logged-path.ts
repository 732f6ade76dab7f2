/** Longer paths are cut: nothing that is served is. */
const MAX_LENGTH = 300

/**
 * The path of a request target as logs, traces and answers may have it: without its query, where tokens and cursors are,
 * and without a producer, which is a token as well.
 */
export function loggedPath(target = ''): string {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  return path.slice(0, MAX_LENGTH).replace(/(\/producers\/)[^/]+/g, '$1-')
}
