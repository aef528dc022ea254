import t from 'tap'
import { runJobs } from './job-suite.js'

// The addresses of upstream's device type, which belongs to the same family as the A80's.
const console = /bootz 0x42000000 0x43300000 0x43000000\n/

t.test('orangepi-pc', t =>
  runJobs(
    t,
    'orangepi-pc',
    [
      {
        title: 'a ramdisk with modules, and a test shell',
        example: 'modules-test-shell',
        cases: ['0_modules/loop-module-is-there'],
        console,
      },
      {
        title: 'a raw ramdisk, with the console that the board knows',
        example: 'raw-ramdisk',
        console: /setenv bootargs console=\$\{console\}\n[\s\S]*Kernel command line: console=ttyS0,115200/,
      },
      { title: 'a FIT image', example: 'fit', console: /bootm 0x4a000000#conf@board\.dtb\n/ },
    ],
    [],
  ),
)
