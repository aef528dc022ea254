/** The board's page in a real Chromium, on an agent whose board is not there. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { bundlePage } from '../../agent/bundle/page.js'
import { type AgentChanges, startAgent, type TestAgent } from '../unit/agent/http/agent-fixture.js'

const CHROMIUM = process.env.FAUXBOOT_CHROMIUM ?? '/usr/bin/chromium'
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** A reason to skip tests of the page; false if there is none. */
export const noChromium: string | false = existsSync(CHROMIUM)
  ? false
  : `there is no ${CHROMIUM} (Debian: chromium); FAUXBOOT_CHROMIUM names another`

/** Milliseconds that an element may take to appear on a busy machine. */
const PATIENCE_MS = 20_000

let browser: Promise<Browser> | undefined
let built: Promise<string> | undefined

/** The page's files, built once for a process. */
export function pageDirectory(): Promise<string> {
  built ??= (async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fauxboot-page-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    await bundlePage(process.cwd(), directory)
    return directory
  })()
  return built
}

/** Chromium, started once for a process. As root it has no sandbox. */
function startBrowser(): Promise<Browser> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  t.teardown(async () => (await browser)?.close())
  return browser
}

export interface OpenPage {
  readonly page: Page
  /** what the page said on its console, and what its content security policy refused */
  readonly complaints: readonly string[]
}

/** Open an address in a window of its own, which closes with the test. */
export async function openUrl(t: Test, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await (await startBrowser()).newContext({ viewport: { width: 1200, height: 900 }, ...options })
  t.teardown(() => context.close())
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => {
    // A refused request is no fault of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints }
}

/** An agent with its page. */
export async function startPageAgent(t: Test, changes: AgentChanges = {}): Promise<TestAgent> {
  return startAgent(t, { ...changes, pageDirectory: await pageDirectory() })
}

/** What axe-core finds on a page, in its own words. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(await axeSource())
  const violations = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary).join("; ")))',
  )) as string[]
  return violations
}

let source: Promise<string> | undefined
async function axeSource(): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  source ??= readFile(AXE, 'utf8')
  return source
}

/** Where screenshots go, if somebody wants to look at them. */
const SHOTS = process.env.FAUXBOOT_SCREENSHOTS

export async function screenshot(page: Page, name: string, fullPage = true): Promise<void> {
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage })
}
