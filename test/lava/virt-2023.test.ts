/** The oldest LAVA that we try, 2023.01: what it does in its own way, beside the list with the newest. */

import t from 'tap'
import { runJobs } from './job-suite.js'

t.test('virt, with LAVA 2023.01', t =>
  runJobs(
    t,
    'virt',
    [
      {
        title: 'a device tree overlay that the job applies with its own commands',
        example: 'dtb-overlay',
        cases: ['0_overlay/overlay-is-applied'],
        console: /fdt apply 0x45000000\n/,
      },
    ],
    [],
    { release: 'bookworm' },
  ),
)
