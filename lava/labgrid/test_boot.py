"""Boot a kernel over TFTP through the U-Boot that fauxboot shows, and log in. env.yaml has the board and the files."""

import pytest
from labgrid.driver import ExecutionError

# A large file over a slow link, seconds.
LOAD_TIMEOUT = 600


@pytest.fixture
def option(env):
    """Look up one of the target's options in env.yaml."""
    return lambda name: env.config.get_target_option("main", name)


@pytest.fixture
def uboot(target, strategy):
    """The boot loader, at its prompt."""
    strategy.transition("uboot")
    return target.get_driver("UBootDriver")


@pytest.fixture
def load(uboot, option):
    """Load a file from the TFTP server to where a variable of the boot loader says."""
    uboot.run_check("dhcp", timeout=120)
    uboot.run_check(f"setenv serverip {option('tftp_server')}")
    return lambda place, name: uboot.run_check(f"tftp ${{{place}}} {name}", timeout=LOAD_TIMEOUT)


def test_uboot_tells_its_version(uboot):
    assert any("-fauxboot" in line for line in uboot.run_check("version"))


def test_missing_file_is_told(load, option):
    with pytest.raises(ExecutionError):
        load("kernel_addr_r", option("kernel") + ".missing")


def test_kernel_boots_to_a_shell(target, strategy, uboot, load, option):
    load("kernel_addr_r", option("kernel"))
    load("ramdisk_addr_r", option("ramdisk"))
    uboot.run_check("setenv ramdisk_size ${filesize}")
    load("fdt_addr_r", option("dtb"))
    uboot.run_check(f"setenv bootargs '{option('bootargs')}'")

    strategy.transition("shell")

    shell = target.get_driver("ShellDriver")
    [cmdline] = shell.run_check("cat /proc/cmdline")
    assert option("bootargs") in cmdline
