/** Booting from the page: files, bundles and jobs; the token; cancelling; the keyboard; an agent that goes and comes. */

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { zipSync } from 'fflate'
import type { Page } from 'playwright-core'
import t from 'tap'
import type { JobView } from '../../agent/boot/jobs/job.js'
import { startAgent, submitStalled, type TestAgent } from '../unit/agent/http/agent-fixture.js'
import { cpio, zImage } from '../unit/agent/kexec/images.js'
import { treeFile } from '../unit/agent/kexec/trees.js'
import { axeFindings, noChromium, openUrl, pageDirectory, screenshot, startPageAgent } from './browser.js'

const file = (name: string, bytes: Uint8Array) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes),
})
const KERNEL = file('zImage', zImage())
const RAMDISK = file('rootfs.cpio', cpio(0x40_0000))
const DTB = file('board.dtb', treeFile({ memory: [[0x40000000, 0x40000000]], compatible: ['linux,dummy-virt'] }))

const choose = (page: Page, ...files: (typeof KERNEL)[]) => page.getByLabel('Choose files').setInputFiles(files)
/** Drop a file on the page, as from a file manager. */
async function drop(page: Page, { name, buffer }: typeof KERNEL): Promise<void> {
  const transfer = await page.evaluateHandle(`(() => {
    const bytes = Uint8Array.from(atob(${JSON.stringify(buffer.toString('base64'))}), char => char.charCodeAt(0))
    const transfer = new DataTransfer()
    transfer.items.add(new File([bytes], ${JSON.stringify(name)}))
    return transfer
  })()`)
  await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer })
}

const boot = (page: Page) => page.getByRole('button', { name: 'Boot', exact: true })
const jobsOf = async (agent: TestAgent) => (await agent.json<{ jobs: JobView[] }>('/v1/jobs')).body.jobs

t.test(
  'files show their plan, their findings and their picture before a byte is sent, and boot',
  { skip: noChromium },
  async t => {
    const agent = await startPageAgent(t)
    const { page, complaints } = await openUrl(t, `${agent.url}/#/boot`)
    const sent: string[] = []
    page.on('request', request => request.method() !== 'GET' && sent.push(request.url()))
    await drop(page, KERNEL)
    await choose(page, RAMDISK, DTB)
    await page.getByRole('heading', { name: 'The target would survive the jump' }).waitFor()
    await page.getByLabel('Command line of the kernel').fill('console=ttyAMA0')
    await page.getByRole('group', { name: /Memory of the plan: survivable/ }).waitFor()
    const segment = page.getByRole('img', { name: /^fauxboot: ramdisk, 0x[0-9a-f]{8} to 0x[0-9a-f]{8}, 4 MiB$/ })
    await segment.focus()
    await page
      .locator('.readout')
      .getByText(/fauxboot: ramdisk, 0x/)
      .waitFor()
    t.strictSame(sent, [], 'nothing was sent')
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      t.strictSame(await axeFindings(page), [], colorScheme)
      await screenshot(page, `boot-${colorScheme}`)
    }
    await boot(page).click()
    await page.getByText(/The board has jumped into the target/).waitFor()
    await page.getByRole('heading', { name: /Job [0-9a-f]+ booting/ }).waitFor()
    t.strictSame(complaints, [])
    const [job] = await jobsOf(agent)
    t.equal(job?.state, 'booting')
    t.equal(job?.request.cmdline, 'console=ttyAMA0')
    t.equal(job?.request.ramdisk?.compression, 'gzip', 'a file of zeros is packed')
    await page
      .getByRole('log')
      .getByText(/booting/)
      .waitFor()
  },
)

t.test('a file that cannot survive is refused, a strange one is named', { skip: noChromium }, async t => {
  const agent = await startPageAgent(t)
  const { page } = await openUrl(t, `${agent.url}/#/boot`)
  await choose(page, file('notes.txt', Buffer.from('hello')))
  await page
    .getByRole('alert')
    .getByText(/notes.txt: neither its content nor its name/)
    .waitFor()
  const small = treeFile({ memory: [[0x4000_0000, 0x10_0000]], compatible: ['linux,dummy-virt'] })
  await choose(page, KERNEL, file('board.dtb', small))
  await page.getByRole('heading', { name: 'The target would not survive the jump' }).waitFor()
  t.equal(await boot(page).isDisabled(), true)
  t.equal((await page.getByText('Fatal').count()) > 0, true)
  await page.getByLabel('Boot even if the target cannot survive').check()
  await page.getByRole('button', { name: 'Boot', exact: true, disabled: false }).waitFor()
  await page.getByRole('button', { name: 'Remove board.dtb' }).click()
  await page.getByRole('heading', { name: 'The target would survive the jump' }).waitFor()
  await page.getByRole('combobox', { name: 'zImage' }).selectOption('modules')
  await page.getByText('Add a kernel').waitFor()
})

t.test(
  'a packed kernel, overlays and a bundle are planned here; a job whose files the board fetches, there',
  { skip: noChromium },
  async t => {
    const agent = await startPageAgent(t)
    const { page } = await openUrl(t, `${agent.url}/#/boot`)
    await choose(page, file('zImage.gz', gzipSync(zImage())))
    await page.getByRole('group', { name: /Memory of the plan/ }).waitFor()
    const job = Buffer.from(JSON.stringify({ cmdline: 'console=ttyAMA0 quiet' }))
    await choose(page, file('job.zip', zipSync({ 'job.json': job, kernel: zImage(), ramdisk: cpio() })))
    await page.getByRole('img', { name: /fauxboot: ramdisk/ }).waitFor()
    t.equal(await page.getByLabel('Command line of the kernel').inputValue(), 'console=ttyAMA0 quiet')
    await boot(page).click()
    await page.getByRole('heading', { name: /booting/ }).waitFor()
    const [bundled] = await jobsOf(agent)
    t.equal(bundled?.request.cmdline, 'console=ttyAMA0 quiet')

    const other = await startPageAgent(t)
    const { page: again } = await openUrl(t, `${other.url}/#/boot`)
    await choose(again, file('job.yaml', Buffer.from('actions: []\n')))
    await again.getByText('The board fetches the files of this job').waitFor()
    await again.getByRole('button', { name: 'Plan on the board' }).click()
    await again
      .getByRole('alert')
      .getByText(/actions.*have no boot/)
      .waitFor()
  },
)

t.test('without the right token no file is sent; the right one boots', { skip: noChromium }, async t => {
  const tokenFile = join(t.testdir({}), 'token')
  writeFileSync(tokenFile, 'right\n')
  const agent = await startPageAgent(t, { http: { tokenFile, tokenForReads: true } })
  const { page } = await openUrl(t, `${agent.url}/#/boot`)
  await page
    .getByRole('alert')
    .getByText(/a bearer token is required/)
    .waitFor()
  const dialog = page.getByRole('dialog')
  const answer = async (token: string) => {
    await dialog.getByLabel('Token of this board').fill(token)
    await dialog.getByRole('button', { name: 'Use this token' }).click()
  }
  await page.getByRole('button', { name: 'Enter the token' }).click()
  await answer('wrong')
  await page.reload()
  await choose(page, KERNEL)
  const bodies: number[] = []
  page.on('request', request => bodies.push(request.postDataBuffer()?.length ?? 0))
  await boot(page).click()
  await dialog.getByText('This is not the token that this board knows.').waitFor()
  t.strictSame(await axeFindings(page), [])
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await page
    .getByRole('alert')
    .getByText(/not the one that this board knows/)
    .waitFor()
  t.ok(
    bodies.every(size => size < 10),
    'the kernel stayed here',
  )
  t.strictSame(agent.boot.list(), [])
  await boot(page).click()
  await answer('right')
  await page.getByRole('heading', { name: /booting/ }).waitFor()
  t.notMatch(page.url(), 'right')
})

t.test('an upload is cancelled, and a job, too', { skip: noChromium }, async t => {
  const agent = await startPageAgent(t)
  const { page } = await openUrl(t, `${agent.url}/#/boot`)
  await choose(page, KERNEL, file('initrd.img', randomBytes(8 * 1024 * 1024)))
  const network = await page.context().newCDPSession(page)
  await network.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: 256 * 1024,
  })
  await page.getByRole('group', { name: /Memory of the plan/ }).waitFor()
  await boot(page).click()
  await page.getByText(/ of 8\.?\d* MiB sent/).waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('alert').getByText('The upload was cancelled.').waitFor()
  t.strictSame(agent.boot.list(), [])

  const { id } = await submitStalled(t, agent)
  await page.goto(`${agent.url}/#/jobs/${id}`)
  await page.getByRole('button', { name: 'Cancel this job' }).click()
  await page.getByRole('heading', { name: `Job ${id} cancelled` }).waitFor()
})

t.test('a keyboard is enough', { skip: noChromium }, async t => {
  const agent = await startPageAgent(t)
  const { page } = await openUrl(t, agent.url, { viewport: { width: 360, height: 700 } })
  await page.getByText('The board answers.').waitFor()
  await page.keyboard.press('Tab')
  t.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  t.equal(await page.evaluate('document.activeElement.textContent'), 'Boot')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Boot', exact: true }).waitFor()
  await page.keyboard.press('Tab')
  const chooser = page.waitForEvent('filechooser')
  await page.keyboard.press('Space')
  await (await chooser).setFiles([KERNEL])
  await page.getByRole('group', { name: /Memory of the plan/ }).waitFor()
  const focused = () =>
    page.evaluate('document.activeElement.textContent || document.activeElement.id') as Promise<string>
  for (let steps = 0; steps < 20 && (await focused()) !== 'Boot'; steps++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /booting/ }).waitFor()
  const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  t.equal(wide, 0, 'nothing sticks out of a narrow screen')
  await screenshot(page, 'job-360')
})

t.test('the page notices that the agent is gone, and that it is back', { skip: noChromium }, async t => {
  const agent = await startPageAgent(t)
  const { id } = await submitStalled(t, agent)
  const { page } = await openUrl(t, `${agent.url}/#/jobs/${id}`)
  await page.getByRole('heading', { name: `Job ${id} fetching` }).waitFor()
  await agent.server.close()
  await page.getByText(/The board does not answer/).waitFor()
  await agent.boot.close()
  await startAgent(t, { config: agent.config, port: agent.port, pageDirectory: await pageDirectory() })
  await page.getByText(/The (agent has started|board answers) again\./).waitFor()
  await page.getByRole('heading', { name: `Job ${id} failed` }).waitFor()
  t.strictSame(await axeFindings(page), [])
})
