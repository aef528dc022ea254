import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadBoard } from '../../../../systemd/boards/board.js'
import { writeLavaJobs } from '../../../../systemd/target/lava-files.js'

t.test("the example jobs get a board's device type and the URL of its files", async t => {
  const types = {
    cubieboard4: 'sun9i-a80-cubieboard4',
    'orangepi-pc': 'sun8i-h3-orangepi-pc',
    sabrelite: 'fauxboot',
    virt: 'fauxboot',
  }
  for (const [name, type] of Object.entries(types)) {
    const out = t.testdir()
    const jobs = await writeLavaJobs(await loadBoard(name), 'http://192.168.1.2:8000/', out)
    t.ok(jobs.includes('ramdisk.yaml') && jobs.includes('fit.yaml'))
    for (const job of jobs) {
      const text = readFileSync(join(out, 'jobs', job), 'utf8')
      t.match(text, `\ndevice_type: ${type}\n`, job)
      t.match(text, /^ +(- )?url: http:\/\/192\.168\.1\.2:8000\/\w/m, job)
      t.notMatch(text, 'files.lab', job)
    }
  }
})

t.test('a board without a device dictionary has no jobs', async t => {
  const board = { ...(await loadBoard('virt')), name: 'unknown' }
  await t.rejects(writeLavaJobs(board, 'http://192.168.1.2', t.testdir()), {
    code: 'BUILD_INPUT',
    message: /devices\/unknown\.jinja2: ENOENT/,
  })
})
