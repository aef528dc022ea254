/** The page's views of the board and of its jobs. */

import t from 'tap'
import { submit } from '../unit/agent/http/agent-fixture.js'
import { axeFindings, noChromium, openUrl, screenshot, startPageAgent } from './browser.js'

t.test(
  'the page shows the board, in the light and in the dark, on a wide screen and on a phone',
  { skip: noChromium },
  async t => {
    const { url } = await startPageAgent(t, {
      host: {
        model: async () => 'Cubietech Cubieboard4',
        watchdogs: async () => [
          {
            name: 'watchdog0',
            identity: 'sunxi-wdt',
            state: 'inactive',
            timeout: 16,
            maxTimeout: 16,
            stopsOnReboot: true,
            nowayout: false,
          },
        ],
      },
    })
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1200, 360]) {
        const { page, complaints } = await openUrl(t, url, { colorScheme, viewport: { width, height: 800 } })
        await page.getByText('Cubietech Cubieboard4').waitFor()
        await page.getByText('The board answers.').waitFor()
        await screenshot(page, `board-${colorScheme}-${width}`)
        const wide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
        t.equal(wide, 0, `${colorScheme} ${width}: nothing sticks out`)
        t.strictSame(await axeFindings(page), [], `${colorScheme} ${width}: no findings of axe-core`)
        t.strictSame(complaints, [])
      }
    }
  },
)

t.test('a job is found in the list, and shows its state, findings, picture and log', { skip: noChromium }, async t => {
  const agent = await startPageAgent(t)
  const { id } = await submit(agent, { name: 'nightly', options: { dryRun: true } })
  const { page, complaints } = await openUrl(t, `${agent.url}/#/jobs`)
  await page.getByRole('link', { name: id }).click()
  await page.getByRole('heading', { name: `Job ${id} planned` }).waitFor()
  await page.getByRole('group', { name: /Memory of the plan/ }).waitFor()
  await page.getByRole('log').getByText('planned').waitFor()
  await screenshot(page, 'job')
  t.strictSame(await axeFindings(page), [])
  t.strictSame(complaints, [])
})
