import t from 'tap'
import { runJobs } from './job-suite.js'

t.test('orangepi-pc', t =>
  runJobs(
    t,
    'orangepi-pc',
    [
      {
        title: 'a raw ramdisk, with the console that the board knows',
        example: 'raw-ramdisk',
        // The addresses of upstream's device type, which belongs to the same family as the A80's.
        console:
          /setenv bootargs console=\$\{console\}\n[\s\S]*bootz 0x42000000 0x43300000:\$\{initrd_size\} 0x43000000\n[\s\S]*Kernel command line: console=ttyS0,115200/,
      },
      { title: 'a FIT image', example: 'fit', console: /bootm 0x4a000000#conf@board\.dtb\n/ },
    ],
    [],
  ),
)
