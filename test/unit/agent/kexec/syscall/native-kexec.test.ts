import t from 'tap'
import { createNativeKexec, type NativeCalls } from '../../../../../agent/kexec/syscall/native-kexec.js'
import { AddonError, NativeArgumentError, NativeError } from '../../../../../native/index.js'
import { needs } from '../../../../peer.js'

/** An addon of which every call fails with the same error. */
function failing(error: unknown): NativeCalls {
  const fail = async () => {
    throw error
  }
  // The addon opens the device at once.
  const armWatchdog = () => {
    throw error
  }
  return { load: fail, unload: fail, loaded: fail, sync: fail, linkDown: fail, armWatchdog, jump: fail }
}

const refused = (syscall: string, errno: number, code: string) =>
  new NativeError(`${syscall}(...)`, Object.assign(new Error(code), { errno: -errno, code, syscall }))

const EXPLAINED: readonly [syscall: string, errno: number, errname: string, reason: RegExp][] = [
  ['kexec_load', 1, 'EPERM', /CAP_SYS_BOOT.*kexec_load_disabled/],
  ['kexec_load', 38, 'ENOSYS', /CONFIG_KEXEC=y/],
  ['kexec_load', 99, 'EADDRNOTAVAIL', /page aligned.*address space.*crash/],
  ['kexec_load', 22, 'EINVAL', /flag.*overlap.*System RAM.*half of RAM.*nr_cpus=1/],
  ['kexec_load', 14, 'EFAULT', /went away/],
  ['kexec_load', 16, 'EBUSY', /try again/],
  ['kexec_load', 12, 'ENOMEM', /smaller ramdisk/],
  ['reboot', 22, 'EINVAL', /no image is loaded/],
  ['reboot', 1, 'EPERM', /CAP_SYS_BOOT/],
  ['ioctl SIOCGIFFLAGS', 19, 'ENODEV', /no such network interface/],
  ['ioctl SIOCSIFFLAGS', 1, 'EPERM', /CAP_NET_ADMIN/],
  ['open', 16, 'EBUSY', /RuntimeWatchdogSec=/],
  ['ioctl WDIOC_SETTIMEOUT', 22, 'EINVAL', /does not allow this timeout/],
  ['socket', 97, 'EAFNOSUPPORT', /RestrictAddressFamilies/],
  ['kexec_load', 5, 'EIO', /no known reason; see the kernel's log/],
]

for (const [syscall, errno, errname, reason] of EXPLAINED) {
  t.test(`${errname} of ${syscall} is explained`, async t => {
    const error = refused(syscall, errno, errname)
    await t.rejects(createNativeKexec(failing(error)).unload(), {
      code: 'KEXEC_SYSCALL',
      details: { call: `${syscall}(...)`, errno, errname, reason },
      message: `${syscall}(...) failed: ${errname} (${errno}), `,
      cause: error,
    })
  })
}

t.test('for wrong arguments and a missing addon, every call rejects with an error of the table', async t => {
  const wrong = createNativeKexec(
    failing(new NativeArgumentError('kexec_load(...)', 'entry 0x0 is not in any segment')),
  )
  const missing = createNativeKexec(failing(new AddonError('no prebuilds/ in /opt')))
  for (const [kexec, code, message] of [
    [wrong, 'KEXEC_ARGUMENT', 'kexec_load(...): entry 0x0 is not in any segment'],
    [missing, 'KEXEC_ADDON', /no prebuilds\/ in \/opt; build it with `npm run build:native`/],
  ] as const) {
    await t.rejects(kexec.load(0, [], 0), { code, message })
    await t.rejects(kexec.unload(), { code })
    await t.rejects(kexec.loaded(), { code })
    await t.rejects(kexec.sync(), { code })
    await t.rejects(kexec.linkDown('eth0'), { code })
    await t.rejects(kexec.armWatchdog('/dev/watchdog0', 16), { code })
    await t.rejects(kexec.jump(), { code })
  }
})

t.test('any other error passes unchanged', async t => {
  const bug = new TypeError('a bug')
  await t.rejects(createNativeKexec(failing(bug)).sync(), bug)
})

t.test('the real addon does what works and explains what fails', needs('addon'), async t => {
  const kexec = createNativeKexec()
  t.type(await kexec.loaded(), 'boolean')
  await kexec.sync()
  await t.rejects(kexec.linkDown('fauxboot-none'), {
    code: 'KEXEC_SYSCALL',
    message:
      'linkDown("fauxboot-none") failed: ENODEV (19), there is no such network interface: compare with /sys/class/net',
  })
  const kernel = { buffer: new Uint8Array(0x1000), mem: 0x42000000, memsz: 0x1000 }
  await t.rejects(kexec.load(0x1234, [kernel], 0xfffe0000), {
    code: 'KEXEC_ARGUMENT',
    message: /0x42000000\+0x1000 from 4096 bytes\], flags 0xfffe0000\): entry 0x1234 is not in any segment; /,
  })
  await t.rejects(kexec.load(0x42000000, [kernel], 0xfffe0000), {
    code: 'KEXEC_SYSCALL',
    message: /failed: E\w+ \(\d+\), /,
  })
})
