import t from 'tap'
import { moduleClosure } from '../../../../systemd/image/kernel-modules.js'

const TABLES = {
  dep: `kernel/net/core/failover.ko.xz:
kernel/drivers/net/net_failover.ko.xz: kernel/net/core/failover.ko.xz
kernel/drivers/net/virtio_net.ko.xz: kernel/drivers/net/net_failover.ko.xz kernel/net/core/failover.ko.xz
kernel/drivers/net/phy/dp83848.ko.xz: kernel/drivers/net/phy/libphy.ko.xz
kernel/drivers/net/phy/libphy.ko.xz:
kernel/crypto/soft-user.ko.xz:
kernel/crypto/wanted-before.ko:
`,
  softdep: `# Soft dependencies extracted from modules themselves.
softdep soft_user pre: wanted-before nowhere post: dp83848
`,
  builtin: 'kernel/drivers/mfd/axp20x-rsb.ko\n',
}

t.test('a module comes after all that it needs', async t => {
  t.strictSame(moduleClosure(TABLES, ['virtio_net']), [
    'kernel/net/core/failover.ko.xz',
    'kernel/drivers/net/net_failover.ko.xz',
    'kernel/drivers/net/virtio_net.ko.xz',
  ])
})

t.test('what two modules need comes once', async t => {
  const paths = moduleClosure(TABLES, ['virtio_net', 'net_failover', 'failover'])
  t.equal(paths.length, 3)
})

t.test('a module that is part of the kernel needs no file', async t => {
  t.strictSame(moduleClosure(TABLES, ['axp20x_rsb']), [])
})

t.test('dashes and underscores are the same', async t => {
  t.strictSame(moduleClosure(TABLES, ['soft_user']), moduleClosure(TABLES, ['soft-user']))
})

t.test('soft dependencies come along when the kernel has them', async t => {
  t.strictSame(moduleClosure(TABLES, ['soft_user']), [
    'kernel/crypto/wanted-before.ko',
    'kernel/drivers/net/phy/libphy.ko.xz',
    'kernel/drivers/net/phy/dp83848.ko.xz',
    'kernel/crypto/soft-user.ko.xz',
  ])
})

t.test('a name that the kernel does not have is refused', async t => {
  t.throws(() => moduleClosure(TABLES, ['virtio-nett']), { code: 'BUILD_INPUT', message: /no module virtio_nett/ })
})

t.test('modules that need each other do not go round forever', async t => {
  const tables = { dep: 'a.ko: b.ko\nb.ko: a.ko\n', softdep: '', builtin: '' }
  t.strictSame(moduleClosure(tables, ['a']), ['b.ko', 'a.ko'])
})
