const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * Decodes RFC 4648 section 4 strictly: padded, nothing else in it, and no unused bits set in the last character, so
 * that two different texts never mean the same bytes. Undefined where it is not that.
 */
export function decodeBase64(text: string): Buffer | undefined {
  if (!base64.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  return text.endsWith('=') && bytes.toString('base64') !== text ? undefined : bytes
}
