/** LAVA's dispatcher with upstream's device type of the A80, unmodified, and our device dictionary. */

import t from 'tap'
import { MISSING_FILE, panicJob, silentJob } from './failing-jobs.js'
import { runJobs } from './job-suite.js'

/** More than two emulated CPUs wait for each other. Upstream's type adds its earlycon to these words. */
const FEW_CPUS = 'maxcpus=2'
const deviceLines = [`{% set extra_kernel_args = '${FEW_CPUS}' %}`]

/** Upstream's addresses and early console. */
const console = /earlycon=uart,mmio32,0x7000000 maxcpus=2[\s\S]*bootz 0x42000000 0x43300000 0x43000000\n/

t.test('cubieboard4', t =>
  runJobs(
    t,
    'cubieboard4',
    [
      { title: 'a ramdisk with a header', example: 'ramdisk', console, deviceLines },
      {
        title: 'a ramdisk with modules, and a test shell',
        example: 'modules-test-shell',
        cases: ['0_modules/loop-module-is-there'],
        console,
        deviceLines,
      },
      { title: 'a FIT image', example: 'fit', console: /bootm 0x4a000000#conf@board\.dtb\n/, deviceLines },
    ],
    [MISSING_FILE, panicJob('extra_kernel_args', FEW_CPUS), silentJob(deviceLines)],
  ),
)
