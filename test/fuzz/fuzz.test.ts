/** Each parser is fed for three seconds. `npm run fuzz` does the same for longer, with other inputs. */

import t from 'tap'
import { fuzzTarget } from './fuzz-target.js'
import { TARGETS } from './targets.js'

t.jobs = 2
t.setTimeout(0)

for (const name of Object.keys(TARGETS))
  t.test(`damaged input of ${name} gives a result or an error of the table, soon and in little memory`, async t => {
    const { inputs, milliseconds, growth, finding } = await fuzzTarget(name, { seconds: 3, seed: 1 })
    t.equal(finding, null)
    t.comment(`${inputs} inputs; longest ${milliseconds.toFixed(0)} ms; growth ${growth} bytes`)
  })
