/** The page of an emulated board. */

import t from 'tap'
import { debianKernel } from '../../systemd/target/debian-kernel.js'
import { targetRamdisk } from '../../systemd/target/target-ramdisk.js'
import { axeFindings, noChromium, openUrl, screenshot } from '../page/browser.js'
import { Lab, PATIENCE, sawTarget, TOKEN } from './lab.js'

t.test('virt: what is typed on the page reaches U-Boot, and files chosen on it boot', { skip: noChromium }, async t => {
  const lab = await Lab.open(t, 'virt')
  const { qemu } = await lab.atCountdown(t)
  const { page, complaints } = await openUrl(t, qemu.url)
  page.setDefaultTimeout(120_000)
  await page.getByText('linux,dummy-virt').first().waitFor()
  await page.getByText('The board answers.').waitFor()
  // The kernel of the first stage, not that of the machine on which the image was built.
  await page.getByText('-armmp').first().waitFor()
  t.strictSame(await axeFindings(page), [])
  await screenshot(page, 'virt-board')

  await page.getByRole('button', { name: 'Enter the token' }).click()
  await page.getByLabel('Token of this board').fill(TOKEN)
  await page.getByRole('button', { name: 'Use this token' }).click()
  await page.getByRole('link', { name: 'Console' }).click()
  await page.getByText('Connected: what you type goes to the board.').waitFor()
  await page.getByRole('textbox', { name: 'Terminal input' }).focus()
  // Any key ends a countdown that still runs.
  await page.keyboard.type(' ')
  await page.locator('.xterm-rows').getByText('=>').first().waitFor()
  await page.keyboard.press('Control+C')
  await page.keyboard.type('echo typed on the page')
  await page.keyboard.press('Enter')
  await qemu.console.waitFor(/\ntyped on the page\r?\n/, PATIENCE)
  await page
    .locator('.xterm-rows')
    .getByText(/^typed on the page/)
    .first()
    .waitFor()
  await screenshot(page, 'virt-console')

  await page.getByRole('link', { name: 'Boot' }).click()
  const { kernel } = await debianKernel('trixie')
  await page.getByLabel('Choose files').setInputFiles([kernel, await targetRamdisk(), await lab.dtb()])
  await page.getByRole('heading', { name: 'The target would survive the jump' }).waitFor()
  await page.getByLabel('Command line of the kernel').fill(lab.cmdline)
  await screenshot(page, 'virt-boot')
  const said = sawTarget(t, qemu, [/Linux version/])
  await page.getByRole('button', { name: 'Boot', exact: true }).click()
  await page.getByText(/The board has jumped into the target/).waitFor()
  await said
  await page.getByText(/The board does not answer/).waitFor()
  t.strictSame(complaints, [])
})
