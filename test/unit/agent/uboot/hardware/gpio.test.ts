import t from 'tap'
import { LinuxGpio, NO_GPIO } from '../../../../../agent/uboot/hardware/gpio.js'

const { signal } = new AbortController()

/** libgpiod's tools with prepared answers, one for each call. */
function tools(...answers: readonly { readonly status: number; readonly stdout: string }[]) {
  const calls: string[] = []
  const run = async (program: string, args: readonly string[]) => {
    calls.push([program, ...args].join(' '))
    return { stderr: '', ...(answers[calls.length - 1] ?? { status: 1, stdout: '' }) }
  }
  return { calls, gpio: new LinuxGpio({ run }) }
}

t.test('lines are read and driven through libgpiod', async t => {
  const { gpio, calls } = tools({ status: 0, stdout: '1\n' }, { status: 0, stdout: '1\n' }, { status: 0, stdout: '' })
  t.equal(await gpio.drive('PB4', 'input', signal), 1)
  t.equal(await gpio.drive('PB4', 'toggle', signal), 0)
  t.strictSame(calls, ['gpioget --numeric PB4', 'gpioget --numeric PB4', 'gpioset -t 0 PB4=0'])
})

t.test('a line that does not exist or cannot be driven has no value', async t => {
  const { gpio } = tools({ status: 1, stdout: '' }, { status: 0, stdout: '0' }, { status: 1, stdout: '' })
  t.equal(await gpio.drive('PX4', 'input', signal), null)
  t.equal(await gpio.drive('PB4', 'set', signal), null)
  t.equal(await NO_GPIO.drive('PB4', 'input', signal), null)
})

t.test('how a line is can be asked without changing it', async t => {
  const info = 'gpiochip0 36\t"PB4"\toutput consumer="led"\n'
  const { gpio, calls } = tools({ status: 0, stdout: info }, { status: 0, stdout: '1\n' })
  t.same(await gpio.lines('PB4', signal), [{ name: 'PB4', direction: 'output', value: 1 }])
  t.strictSame(calls, ['gpioinfo PB4', 'gpioget --as-is --numeric PB4'])
  t.same(await gpio.lines('PX4', signal), [])
  t.same(await gpio.lines('-h', signal), [])
  t.same(await gpio.lines(null, signal), [], 'all of them would take too long')
  t.same(await NO_GPIO.lines('PB4', signal), [])
})

t.test('a name that would be an option reaches no program', async t => {
  const { gpio, calls } = tools()
  t.equal(await gpio.drive('-h', 'input', signal), null)
  t.strictSame(calls, [])
})
