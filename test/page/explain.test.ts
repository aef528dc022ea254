/** Explaining a log of kexec-tools on the board's page, and in the file that needs no board. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { explainPage } from '../../agent/bundle/page.js'
import { VECTORS } from '../unit/agent/kexec/vectors.js'
import { printRun } from '../unit/lava/explain/kexec-tools-log-printer.js'
import { axeFindings, noChromium, openUrl, screenshot, startPageAgent } from './browser.js'

const [first, second] = VECTORS.planner.map(vector => printRun(vector))

async function explains(t: Test, page: Page): Promise<void> {
  await page.getByLabel('Output of kexec --debug -l').fill('Dear list')
  await page.getByText('No run of kexec-tools found').waitFor()
  await page.getByLabel('Output of kexec --debug -l').fill(`${first}`)
  await page.getByRole('heading', { name: 'Diagnosis' }).waitFor()
  await page.getByRole('group', { name: /Memory under kexec-tools/ }).waitFor()
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme })
    t.strictSame(await axeFindings(page), [], colorScheme)
  }
  await screenshot(page, 'explain')
  await page.getByLabel('Output of kexec --debug -l').fill(`${first}\n${second}`)
  await page.getByRole('heading', { name: 'Run 2 of 2' }).waitFor()
}

t.test('the page explains a pasted log', { skip: noChromium }, async t => {
  const { url } = await startPageAgent(t)
  const { page, complaints } = await openUrl(t, `${url}/#/explain`)
  await explains(t, page)
  t.strictSame(complaints, [])
})

t.test('one HTML file explains a log without a board and without a network', { skip: noChromium }, async t => {
  const directory = mkdtempSync(join(tmpdir(), 'fauxboot-explain-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'explain.html')
  writeFileSync(file, await explainPage(process.cwd()))
  const { page, complaints } = await openUrl(t, pathToFileURL(file).href)
  const requests: string[] = []
  page.on('request', request => requests.push(request.url()))
  await explains(t, page)
  t.strictSame(complaints, [])
  t.strictSame(requests, [])
})
