import fc from 'fast-check'
import t from 'tap'
import { parseBootScript } from '../../../../../agent/boot/requests/boot-script.js'
import { FauxbootError } from '../../../../../agent/errors.js'
import { packUImage } from '../../../../../agent/image/uboot/uimage.js'
import { needs, peer } from '../../../../peer.js'
import { refusal, temporaryDirectory } from '../fixture.js'

const read = (text: string) => parseBootScript(Buffer.from(text))
const refused = async (text: string): Promise<string> => (await refusal(() => read(text))).message

const SCRIPT = `# a board
setenv console ttyS0,115200n8
setenv bootargs "console=\${console} root=/dev/ram0"
bootz \${kernel_addr_r} \${ramdisk_addr_r} \${fdt_addr_r}
`

t.test('a script gives the command line and the files that are booted', async t => {
  t.same(read(SCRIPT), {
    ramdisk: true,
    dtb: true,
    cmdline: 'console=ttyS0,115200n8 root=/dev/ram0',
  })
})

t.test("mkimage's scripts are read", needs('mkimage'), async t => {
  const directory = await temporaryDirectory(t)
  const wrap = 'cat > text && mkimage -q -A arm -T script -C none -n boot -d text boot.scr >&2 && cat boot.scr'
  t.same(parseBootScript(peer('sh', ['-c', wrap], Buffer.from(SCRIPT), directory)), read(SCRIPT))
})

t.test('files may be named by their roles, and - stands for none', async t => {
  t.same(read('bootz kernel ramdisk dtb'), { ramdisk: true, dtb: true, cmdline: '' })
  t.match(read('booti kernel - dtb'), { ramdisk: false, dtb: true })
  t.match(read('bootm kernel ramdisk'), { ramdisk: true, dtb: false })
  t.match(read('bootm'), { ramdisk: false, dtb: false })
})

t.test('words are put together as the shell of U-Boot does it', async t => {
  const cmdline = (line: string): string => read(`${line}\nbootz kernel`).cmdline
  t.equal(cmdline('setenv bootargs a  b\tc'), 'a b c')
  t.equal(cmdline('setenv bootargs "a  b" \'c  ${d}\''), 'a  b c  ${d}')
  t.equal(cmdline('setenv bootargs a\\;b; setenv x y # and so on'), 'a;b')
  t.equal(cmdline('setenv a 1; setenv bootargs x=$a,${a}"$a"#2'), 'x=1,11#2')
  t.equal(cmdline('setenv bootargs a$ b'), 'a$ b')
  t.equal(cmdline('setenv bootargs a\r\nsetenv bootargs b\r'), 'b')
  t.equal(cmdline('setenv bootargs a\nsetenv bootargs'), '', 'no value takes a variable away')
  t.equal(cmdline('setenv bootargs ""'), '')
})

t.test('whatever else a script says is refused, with its line', async t => {
  t.match(
    await refused('\next4load mmc 0'),
    /boot.scr line 2 has the command "ext4load"; understood here: setenv, bootz/,
  )
  t.match(await refused('if true; then bootz kernel; fi'), /line 1 has the command "if"/)
  t.match(await refused('setenv a b && bootz kernel'), /line 1 cannot be understood from character 12 on/)
  t.match(await refused('setenv a "b'), /cannot be understood from character 10/)
  t.match(await refused("setenv a 'b\\c'"), /cannot be understood/)
  t.match(await refused('setenv a b\\'), /cannot be understood/)
  t.match(await refused('setenv a ${b:-c}'), /cannot be understood from character 10 on/)
  t.match(await refused('setenv a "${b:-c}"'), /uses the variable "b:-c"/)
  t.match(await refused('setenv a "${b"'), /uses the variable "b"/)
  t.match(await refused('setenv bootargs $b'), /uses the variable "b", which the script does not set/)
  t.match(await refused('setenv bootargs "a\u0001"\nbootz'), /bootargs holds a control character/)
  t.match(await refused('setenv'), /sets a variable of the name ""/)
  t.match(await refused('setenv a=b c'), /sets a variable of the name "a=b"/)
})

t.test('what cannot be booted here is refused', async t => {
  t.match(await refused('bootz 0x42000000'), /boots "0x42000000"; here is kernel, or \$\{kernel_addr_r\}/)
  t.match(await refused('bootz kernel ramdisk:1000'), /boots "ramdisk:1000"; here is ramdisk/)
  t.match(await refused('bootz -'), /boots "-"/)
  t.match(await refused('bootz dtb'), /boots "dtb"; here is kernel/)
  t.match(await refused('bootz kernel - dtb more'), /more than three operands after bootz/)
  t.match(await refused('bootz kernel; bootz kernel'), /has "bootz" after the boot, which does not return/)
  t.match(await refused(''), /boots nothing: it contains none of bootz, booti, bootm/)
  t.match(await refused('setenv bootargs a'), /boots nothing/)
})

t.test('a uImage that is damaged, or no script, is refused', async t => {
  const header = { arch: 'arm', compression: 'none', load: 0, entry: 0, name: '', time: 0 } as const
  const kernel = packUImage({ ...header, type: 'kernel' }, Buffer.from('bootz kernel'))
  t.match((await refusal(() => parseBootScript(kernel))).message, /is a uImage of type kernel/)
  const empty = packUImage({ ...header, type: 'script' }, new Uint8Array())
  t.equal((await refusal(() => parseBootScript(empty))).code, 'FORMAT_TRUNCATED')
  const damaged = Buffer.from(kernel)
  damaged[70] = 0
  t.equal((await refusal(() => parseBootScript(damaged))).code, 'FORMAT_CRC')
})

t.test('variables in variables do not grow without end', async t => {
  const lines = ['setenv a 12345678', ...Array.from({ length: 40 }, () => 'setenv a $a$a')]
  t.match(await refused(lines.join('\n')), /more than 8192 characters/)
  t.match(await refused(`setenv a ${'b '.repeat(5000)}`), /sets a to more than 8192 characters/)
})

t.test('a script is at most 64 KiB long', async t => {
  t.match(await refused('\n'.repeat(64 * 1024 + 1)), /has 65537 bytes, at most 65536 are possible/)
  t.match(await refused(';'.repeat(64 * 1024)), /boots nothing/)
})

t.test('no script raises anything but our errors', async t => {
  const words = ['setenv', 'bootz', 'bootargs', ' ', '\n', ';', '"', "'", '\\', '$', '${', '}', '#', 'kernel', '-', '&']
  const script = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4 })), { maxLength: 40 })
  fc.assert(
    fc.property(script, pieces => {
      try {
        read(pieces.join(''))
      } catch (thrown) {
        if (!(thrown instanceof FauxbootError)) throw thrown
      }
    }),
  )
  t.pass('nothing else was thrown')
})
