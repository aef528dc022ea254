/** What dpkg knows of the agent's package, and what runs when it comes and goes. Formats: Debian Policy, chapters 5 and 6. */

import { agentEnvironment } from '../image/agent-environment.js'

export const PACKAGE = 'fauxboot-agent'

const SERVICE = 'fauxboot-agent.service'
const AGENT_DIR = '/usr/lib/fauxboot'
const AGENT = `${AGENT_DIR}/fauxboot-agent.cjs`
export const CONF_FILE = '/etc/fauxboot/agent.json'
const TOKEN_FILE = '/etc/fauxboot/token'

/** Units that the package enables. */
const ENABLED = [SERVICE, 'fauxboot-set-clock.socket']

/** What the agent's unit starts beside it: a removal ends them, too, or their memory stays in use. */
const MOUNTS = ['run-fauxboot-artifacts.mount', 'run-fauxboot-uboot.mount']

/** The command for people. */
export const COMMAND = `#!/bin/sh
exec /usr/bin/node ${AGENT} "$@"
`

export interface PackageFacts {
  readonly version: string
  /** `Name <address>` */
  readonly maintainer: string
  /** bytes of all files */
  readonly size: number
}

/** The settings after an installation: changes need the token that `postinst` makes. */
export const CONF = `${JSON.stringify({ tokenFile: TOKEN_FILE }, null, 2)}\n`

export function control({ version, maintainer, size }: PackageFacts): string {
  return `Package: ${PACKAGE}
Version: ${version}
Architecture: armhf
Maintainer: ${maintainer}
Installed-Size: ${Math.ceil(size / 1024)}
Depends: busybox | busybox-static, bzip2, ca-certificates, libc6, lz4, nodejs (>= 20.19), systemd, xz-utils, zstd
Suggests: gpiod
Section: admin
Priority: optional
Description: network boot loader for boards, which kexecs kernels that a lab sends
 The agent takes jobs over HTTP, over TFTP or typed at a faked U-Boot.
 A job names a kernel, a ramdisk and a device tree. The agent fetches
 them, works out where each must be in memory, refuses what cannot
 survive, and boots the rest with kexec.
`
}

export const CONFFILES = `${CONF_FILE}\n`

/** Another Node cannot use the code that this one has compiled. */
export const TRIGGERS = 'interest-noawait /usr/bin/node\n'

/** V8 takes compiled code only from a Node with the same options as the one that runs the unit. */
const ENVIRONMENT = Object.entries(agentEnvironment())
  .map(([name, value]) => `${name}=${value}`)
  .join(' ')

/** The compiled code is an aid: without it the agent starts later. Each bundle's has another name. */
const COMPILE = `rm -f ${AGENT_DIR}/*.cache
    if ! env ${ENVIRONMENT} node ${AGENT} --build-cache >/dev/null; then
      echo "${PACKAGE}: no compiled code, so the agent starts more slowly" >&2
    fi`

export const POSTINST = `#!/bin/sh
set -e
case "$1" in
  configure)
    if [ ! -e ${TOKEN_FILE} ]; then
      (umask 077 && { od -An -N24 -tx1 /dev/urandom | tr -d ' \\n'; echo; } > ${TOKEN_FILE}.new)
      mv ${TOKEN_FILE}.new ${TOKEN_FILE}
    fi
    ${COMPILE}
    for unit in ${ENABLED.join(' ')}; do
      deb-systemd-helper unmask $unit >/dev/null || true
      if deb-systemd-helper --quiet was-enabled $unit; then
        deb-systemd-helper enable $unit >/dev/null || true
      else
        deb-systemd-helper update-state $unit >/dev/null || true
      fi
    done
    if [ -d /run/systemd/system ]; then
      systemctl --system daemon-reload >/dev/null || true
      deb-systemd-invoke restart ${ENABLED.join(' ')} >/dev/null || true
    fi
    ;;
  triggered)
    ${COMPILE}
    ;;
esac
`

export const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ]; then
  if [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop ${[...ENABLED, ...MOUNTS].join(' ')} >/dev/null || true
  fi
  rm -f ${AGENT_DIR}/*.cache
  rm -rf /run/fauxboot || true
fi
`

export const POSTRM = `#!/bin/sh
set -e
case "$1" in
  remove)
    if [ -d /run/systemd/system ]; then
      systemctl --system daemon-reload >/dev/null || true
    fi
    ;;
  purge)
    rm -f ${TOKEN_FILE} ${TOKEN_FILE}.new
    for unit in ${ENABLED.join(' ')}; do
      if command -v deb-systemd-helper >/dev/null; then deb-systemd-helper purge $unit >/dev/null || true; fi
    done
    ;;
esac
`

export function changelog({ version, maintainer }: Omit<PackageFacts, 'size'>, date: Date): string {
  // RFC 5322, section 3.3.
  const time = date.toUTCString().replace('GMT', '+0000')
  return `${PACKAGE} (${version}) unstable; urgency=medium

  * The agent of fauxboot ${version}.

 -- ${maintainer}  ${time}
`
}

/** @param licence the text of the project's licence */
export function copyright(licence: string): string {
  const [, ...lines] = licence.trim().split('\n')
  const holder = lines.find(line => line.startsWith('Copyright'))?.replace(/^Copyright \(c\) /, '')
  const text = lines.slice(lines.findIndex(line => line.startsWith('Permission')))
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: fauxboot

Files: *
Copyright: ${holder}
License: Expat

License: Expat
${text.map(line => (line === '' ? ' .' : ` ${line}`)).join('\n')}
`
}

export const README_DEBIAN = `fauxboot-agent on this machine

The agent serves http://ADDRESS:8080 as soon as it is installed. Everybody may read; a change
needs the token in ${TOKEN_FILE}, which the installation made:

    curl -H "Authorization: Bearer $(cat ${TOKEN_FILE})" ...

Settings are in ${CONF_FILE}; fauxboot-agent(8) explains them. After a change:

    fauxboot-agent --check-config && systemctl restart fauxboot-agent

The serial console keeps its login. "ubootSerial": "/dev/ttyS0" puts the faked U-Boot there
instead. Two programs cannot share a line, so end the login, from another terminal:

    systemctl mask --now serial-getty@ttyS0

(systemd makes that login from console= on the kernel's command line; "disable" does not end it.)

A job ends this system at once, without stopping its services. The agent syncs the file systems
before, so after the next boot they are as after a power cut: a journal recovers them.
`
