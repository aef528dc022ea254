/** The manual page of the agent: its settings come from their table. */

import { CONFIG_FILE, settingRows } from '../../agent/config.js'
import { RoffPage } from './roff.js'

const PROGRAM = '/usr/lib/fauxboot/fauxboot-agent.cjs'

const FILES: Readonly<Record<string, string>> = {
  [CONFIG_FILE]: 'The settings, as a JSON object.',
  '/run/fauxboot/artifacts': 'Kernels, ramdisks and device trees of jobs, in memory.',
  '/run/fauxboot/state': 'Records of the jobs, in memory.',
}

/** @param version of fauxboot */
export function agentPage(version: string): string {
  const page = new RoffPage({
    name: 'fauxboot-agent',
    section: 8,
    summary: 'take jobs over HTTP, over TFTP and at a faked U-Boot, and boot them with kexec',
    version,
  })
  page.heading('Synopsis').paragraph('systemctl start fauxboot-agent')
  page.paragraph('fauxboot-agent [--check-config | --version | --help] [SETTING...]')
  page
    .heading('Description')
    .paragraph(
      'The agent runs on the board, as root. A job names a kernel, a ramdisk and a device tree. The agent fetches them, works out where each must be in memory, refuses what cannot survive, loads the kernel with kexec_load(2) and jumps.',
    )
  page.paragraph(`In an image of fauxboot, which lacks the command fauxboot-agent, node ${PROGRAM} does the same.`)
  page.heading('Modes')
  page.term('--check-config', 'Read the settings, print them, and end.')
  page.term('--version', 'Print the version, and end.').term('--help', 'Print the settings, and end.')
  page
    .heading('Settings')
    .paragraph(
      `Each is a flag, an environment variable, and a key of the configuration file. Flags override the environment, which overrides the file. The file is ${CONFIG_FILE}, or what --config or FAUXBOOT_CONFIG names.`,
    )
  for (const { flag, variable, key, doc, expects, fallback } of settingRows()) {
    page.term(`${flag}, ${variable}, "${key}"`, `${doc}. It is ${expects}; default: ${fallback}.`)
  }
  page.heading('Files')
  for (const [file, purpose] of Object.entries(FILES)) page.term(file, purpose)
  page.heading('Exit status')
  page.term('0', 'Somebody asked the agent to end.').term('1', 'It could not start; the message says why.')
  page.heading('Example').example(['curl http://board:8080/v1/board', 'journalctl -u fauxboot-agent'])
  page.heading('See also').paragraph('fauxboot(1), kexec_load(2)')
  return page.toString()
}
