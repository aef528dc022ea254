import t from 'tap'
import { MISSING_FILE, panicJob, silentJob } from './failing-jobs.js'
import { type FailingJob, type PassingJob, runJobs } from './job-suite.js'

const PASSING: readonly PassingJob[] = [
  { title: 'a ramdisk with a header', example: 'ramdisk', console: /bootz 0x42000000 0x4a000000 0x48000000\n/ },
  {
    title: 'a ramdisk with modules, and a test shell',
    example: 'modules-test-shell',
    cases: ['kernel-tells-its-version', 'loop-module-loads', 'loop-module-is-there'].map(name => `0_modules/${name}`),
    console: /fauxboot-target: kernel /,
  },
  {
    title: 'a raw ramdisk',
    example: 'raw-ramdisk',
    console: /bootz 0x42000000 0x4a000000:\$\{initrd_size\} 0x48000000\n/,
  },
  {
    title: 'an overlay as `dtbo`',
    example: 'dtbo',
    cases: ['0_overlay/overlay-is-applied'],
    console: /fdt resize 10000\n[\s\S]*fdt apply 0x49000000\n/,
  },
  {
    // LAVA boots the `tee` in place of the kernel. On a board with OP-TEE, that image starts the kernel.
    title: 'a `tee`',
    example: 'ramdisk',
    changes: { '      dtb:\n': '      tee:\n        url: FILES/vmlinuz\n      dtb:\n' },
    console: /bootz 0x45000000 0x4a000000 0x48000000\n/,
  },
  {
    title: 'a root file system over NFS',
    example: 'nfs',
    cases: ['0_root/root-is-nfs'],
    console: /nfsroot=192\.0\.2\.1:/,
  },
]

/** LAVA sends the file to the board unchanged. */
const AS_IT_IS = 'install_overlay: false\n        install_modules: false'

const FAILING: readonly FailingJob[] = [
  MISSING_FILE,
  {
    title: 'a ramdisk that does not match its digest',
    example: 'ramdisk',
    changes: { 'ramdisk.cpio.gz': 'damaged', 'compression: gz': AS_IT_IS },
    type: 'Infrastructure',
    message: /Ramdisk image is corrupt or invalid/,
  },
  {
    title: 'a kernel that is cut off',
    example: 'ramdisk',
    changes: { vmlinuz: 'truncated' },
    type: 'Infrastructure',
    message: /Wrong Image Format for boot/,
  },
  {
    title: 'a TFTP server that does not answer',
    example: 'ramdisk',
    withoutTftp: true,
    type: 'Infrastructure',
    message: /Retry count exceeded/,
  },
  {
    title: 'a serial line that damages a command',
    example: 'ramdisk',
    damaged: 'dhcp',
    type: 'Infrastructure',
    message: /Must RESET board to recover/,
  },
  panicJob(),
  silentJob(),
]

t.test('virt', t => runJobs(t, 'virt', PASSING, FAILING))
