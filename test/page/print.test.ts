/** What a printer gets of the page: the plan with its findings and its picture, in black on white. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { SharedLine } from '../../agent/uboot/console/shared-line.js'
import { zImage } from '../unit/agent/kexec/images.js'
import { treeFile } from '../unit/agent/kexec/trees.js'
import { VECTORS } from '../unit/agent/kexec/vectors.js'
import { boardConsole, TypedLine } from '../unit/agent/uboot/board-console.js'
import { printRun } from '../unit/lava/explain/kexec-tools-log-printer.js'
import { noChromium, openUrl, startPageAgent } from './browser.js'

const FOLDER = process.env.FAUXBOOT_SCREENSHOTS

const file = (name: string, bytes: Uint8Array) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes),
})

const BLACK_ON_WHITE = ['on rgb(255, 255, 255)', 'on rgba(0, 0, 0, 0)', 'rgb(0, 0, 0)']

/** Other colours of visible text, and of what lies under it. */
const COLOURS = `(() => {
  const used = new Set()
  for (const element of document.querySelectorAll('body, body *')) {
    const own = [...element.childNodes].some(({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim() !== '')
    if (!element.checkVisibility()) continue
    const { color, fill, backgroundColor } = getComputedStyle(element)
    if (own || element.matches('input')) used.add(element instanceof SVGElement ? fill : color)
    used.add('on ' + backgroundColor)
  }
  return [...used].filter(one => !${JSON.stringify(BLACK_ON_WHITE)}.includes(one))
})()`

/** What is only there to be clicked, dragged or filled in. */
const CONTROLS = 'nav, button, .button, input[type=checkbox], progress, .drop, .readout, summary'

async function pdf(page: Page, name: string): Promise<string> {
  const bytes = await page.pdf({ format: 'A4' })
  if (FOLDER !== undefined) await writeFile(join(FOLDER, `${name}.pdf`), bytes)
  return bytes.toString('latin1')
}

t.test('a plan is printed in black on white, with its picture as wide as the paper', { skip: noChromium }, async t => {
  const agent = await startPageAgent(t)
  const { page, complaints } = await openUrl(t, `${agent.url}/#/boot`)
  const small = treeFile({ memory: [[0x4000_0000, 0x10_0000]], compatible: ['linux,dummy-virt'] })
  await page.getByLabel('Choose files').setInputFiles([file('zImage', zImage()), file('board.dtb', small)])
  await page.getByRole('heading', { name: 'The target would not survive the jump' }).waitFor()
  await page.getByLabel('Command line of the kernel').fill('console=ttyAMA0')
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
  t.equal(await page.locator(CONTROLS).filter({ visible: true }).count(), 0, 'nothing to click')
  t.strictSame(await page.evaluate(COLOURS), [])
  for (const name of ['zImage', 'board.dtb', 'Fatal', 'To do:']) {
    t.ok(await page.getByText(name, { exact: true }).first().isVisible(), name)
  }
  t.equal(await page.getByLabel('Command line of the kernel').inputValue(), 'console=ttyAMA0')
  const picture = page.locator('.memory svg')
  const { width: wide = 0 } = (await picture.boundingBox()) ?? {}
  const { width: paper = 0 } = (await page.locator('main').boundingBox()) ?? {}
  t.ok(wide > 0 && wide <= paper, `${wide} of ${paper}`)
  t.match(await pdf(page, 'print-plan'), /^%PDF/)
  t.strictSame(complaints, [])
})

const [LOG] = VECTORS.planner.map(vector => printRun(vector))

/** What of a view is on its paper. */
const VIEWS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  board: page => page.getByRole('heading', { name: 'Can it boot?' }).waitFor(),
  jobs: page => page.locator('main h2').waitFor(),
  explain: async page => {
    await page.getByLabel('Output of kexec --debug -l').fill(LOG ?? '')
    await page.getByRole('group', { name: /Memory under kexec-tools/ }).waitFor()
  },
  console: page => page.locator('.xterm-rows').getByText('=>').first().waitFor(),
}

t.test('the other views are printed in black on white, too', { skip: noChromium }, async t => {
  const { uboot } = await boardConsole(t)
  const shared = new SharedLine()
  const terminal = new TypedLine()
  void uboot.attach(shared.share(terminal))
  await terminal.shows()
  const agent = await startPageAgent(t, { console: () => shared })
  for (const [view, isThere] of Object.entries(VIEWS)) {
    const { page } = await openUrl(t, `${agent.url}/#/${view}`)
    await isThere(page)
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    t.equal(await page.locator(CONTROLS).filter({ visible: true }).count(), 0, view)
    t.strictSame(await page.evaluate(COLOURS), [], view)
    await pdf(page, `print-${view}`)
  }
})
