/** The console on the page: the U-Boot of the serial line, in xterm.js. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { SharedLine } from '../../agent/uboot/console/shared-line.js'
import type { AgentChanges } from '../unit/agent/http/agent-fixture.js'
import { boardConsole, TypedLine } from '../unit/agent/uboot/board-console.js'
import { axeFindings, noChromium, openUrl, screenshot, startPageAgent } from './browser.js'

/** An agent whose U-Boot is at its prompt on a serial line. */
async function startConsole(t: Test, changes: AgentChanges = {}) {
  const { uboot } = await boardConsole(t)
  const shared = new SharedLine()
  const terminal = new TypedLine()
  void uboot.attach(shared.share(terminal))
  await terminal.shows()
  const agent = await startPageAgent(t, { ...changes, console: () => shared })
  return { ...agent, terminal }
}

/** Waits until the screen shows a text. */
const shows = (page: Page, text: string) => page.locator('.xterm-rows').getByText(text).first().waitFor()

t.test(
  'what is typed on the page is typed on the serial line, and the other way round',
  { skip: noChromium },
  async t => {
    const { url, terminal } = await startConsole(t)
    const { page, complaints } = await openUrl(t, `${url}/#/console`)
    await page.getByText('Connected: what you type goes to the board.').waitFor()
    await shows(page, '=>')
    await page.getByRole('textbox', { name: 'Terminal input' }).focus()
    await page.keyboard.type('echo from the page')
    await page.keyboard.press('Enter')
    t.match(await terminal.shows(), /echo from the page\nfrom the page\n=> $/)
    t.equal(await terminal.run('echo from the lab'), 'from the lab\n')
    await shows(page, 'from the lab')
    await screenshot(page, 'console')
    t.strictSame(await axeFindings(page), [])
    t.strictSame(complaints, [], 'its styles obey the content security policy')
  },
)

t.test('without the token the console can be read, and with it typed on', { skip: noChromium }, async t => {
  const tokenFile = join(t.testdir({}), 'token')
  writeFileSync(tokenFile, 'right\n')
  const { url, terminal } = await startConsole(t, { http: { tokenFile } })
  const { page } = await openUrl(t, `${url}/#/console`)
  await page.getByText(/Connected, for reading only: a bearer token is required/).waitFor()
  t.equal(await terminal.run('echo seen'), 'seen\n')
  await shows(page, 'seen')
  await page.getByRole('button', { name: 'Enter the token' }).click()
  await page.getByLabel('Token of this board').fill('right')
  await page.getByRole('button', { name: 'Use this token' }).click()
  await page.getByText('Connected: what you type goes to the board.').waitFor()
})

t.test('the page says when there is no console', { skip: noChromium }, async t => {
  const { url } = await startPageAgent(t)
  const { page } = await openUrl(t, `${url}/#/console`, { viewport: { width: 360, height: 700 } })
  await page.getByText(/There is no console now/).waitFor()
  const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  t.equal(wide, 0, 'nothing sticks out of a narrow screen')
})
