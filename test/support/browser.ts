import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { onTestFinished } from 'vitest'

const found = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
if (found === undefined) {
  const sentence =
    'there is no Chromium on this machine (apt-get install chromium): nothing is tried in a browser'
  if (process.env.CI === 'true') throw new Error(sentence)
  console.warn(`WARNING: ${sentence}`)
}

/** Whether this machine has a browser to test with. Where tests decide what is let in, one that has none fails. */
export const hasBrowser = found !== undefined

/** A Chromium of its own, which asks nothing of anybody but the pages opened in it; closed when the test ends. */
export async function startBrowser(): Promise<Browser> {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  const browser = await chromium.launch({ executablePath: found!, headless: true, args, timeout: 60_000 })
  onTestFinished(() => browser.close())
  return browser
}
