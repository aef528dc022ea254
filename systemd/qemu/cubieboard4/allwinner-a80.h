/*
 * Allwinner A80 (sun9i) System on Chip: its devices and how they are wired
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_ARM_ALLWINNER_A80_H
#define HW_ARM_ALLWINNER_A80_H

#include "qom/object.h"
#include "hw/qdev-core.h"
#include "hw/sysbus.h"
#include "hw/intc/arm_gic.h"
#include "hw/net/npcm_gmac.h"
#include "hw/sd/allwinner-sdhost.h"
#include "hw/timer/allwinner-a10-pit.h"
#include "hw/watchdog/allwinner-wdt.h"
#include "qemu/units.h"
#include "qemu/uuid.h"
#include "target/arm/cpu-qom.h"

/* Clock Control Unit */

#define TYPE_AW_A80_CCU "allwinner-a80-ccu"
OBJECT_DECLARE_SIMPLE_TYPE(AwA80CcuState, AW_A80_CCU)

#define AW_A80_CCU_SIZE 0x800

struct AwA80CcuState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    /* high while the bus reset of the GMAC is asserted */
    qemu_irq gmac_reset;
    uint32_t regs[AW_A80_CCU_SIZE / sizeof(uint32_t)];
};

/* Power and reset of the CPUs: CPUCFG (MMIO region 0) and PRCM (1) */

#define TYPE_AW_A80_CPUCFG "allwinner-a80-cpucfg"
OBJECT_DECLARE_SIMPLE_TYPE(AwA80CpuCfgState, AW_A80_CPUCFG)

#define AW_A80_CPUCFG_SIZE 0x100
#define AW_A80_PRCM_SIZE 0x200
#define AW_A80_CLUSTERS 2
#define AW_A80_CLUSTER_CPUS 4
#define AW_A80_CPUS (AW_A80_CLUSTERS * AW_A80_CLUSTER_CPUS)

struct AwA80CpuCfgState {
    SysBusDevice parent_obj;

    MemoryRegion cpucfg_iomem;
    MemoryRegion prcm_iomem;
    uint32_t cpucfg[AW_A80_CPUCFG_SIZE / sizeof(uint32_t)];
    uint32_t prcm[AW_A80_PRCM_SIZE / sizeof(uint32_t)];
    /* bit 4 * cluster + core: the registers let this core run */
    uint32_t running;
};

/* Register blocks that only remember what software writes */

#define TYPE_AW_A80_REGS "allwinner-a80-regs"
OBJECT_DECLARE_TYPE(AwA80RegsState, AwA80RegsClass, AW_A80_REGS)

#define TYPE_AW_A80_SYSCON TYPE_AW_A80_REGS "-syscon"
#define TYPE_AW_A80_MMC_CONFIG TYPE_AW_A80_REGS "-mmc-config"
#define TYPE_AW_A80_DRAMC TYPE_AW_A80_REGS "-dramc"

struct AwA80RegsState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    uint32_t count;
    uint32_t *regs;
};

/* Pin controller: port A is pin 0 to 31, port B is pin 32 to 63 and so on */

#define TYPE_AW_A80_PIO "allwinner-a80-pio"
OBJECT_DECLARE_SIMPLE_TYPE(AwA80PioState, AW_A80_PIO)

#define AW_A80_PIO_SIZE 0x400
#define AW_A80_PIO_PORTS 8
#define AW_A80_PIO_PORT_PINS 32
#define AW_A80_PIN(port, pin) (((port) - 'A') * AW_A80_PIO_PORT_PINS + (pin))

struct AwA80PioState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    uint32_t regs[AW_A80_PIO_SIZE / sizeof(uint32_t)];
    /* levels that the board puts on the pins of each port */
    uint32_t inputs[AW_A80_PIO_PORTS];
};

/* Security Identifier */

#define TYPE_AW_A80_SID "allwinner-a80-sid"
OBJECT_DECLARE_SIMPLE_TYPE(AwA80SidState, AW_A80_SID)

struct AwA80SidState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    QemuUUID identifier;
};

/* Gigabit Ethernet: DesignWare GMAC with a Realtek RTL8211E PHY */

#define TYPE_AW_A80_GMAC "allwinner-a80-gmac"
OBJECT_DECLARE_SIMPLE_TYPE(AwA80GmacState, AW_A80_GMAC)

#define AW_A80_GMAC_PHY_REGS 32

struct AwA80GmacState {
    SysBusDevice parent_obj;

    MemoryRegion container;
    MemoryRegion mii_iomem;
    MemoryRegion feature_iomem;
    NPCMGMACState mac;
    uint32_t autoneg_ms;

    uint32_t mii_addr;
    uint16_t phy_regs[AW_A80_GMAC_PHY_REGS];
    /* when auto-negotiation ends, in ms of the virtual clock */
    int64_t link_time;
    bool cable;
};

/* Reduced Serial Bus: the controller, its bus and the devices on it */

#define TYPE_AW_RSB "allwinner-rsb"
OBJECT_DECLARE_SIMPLE_TYPE(AwRsbState, AW_RSB)

#define TYPE_AW_RSB_BUS "allwinner-rsb-bus"

#define TYPE_AW_RSB_DEVICE "allwinner-rsb-device"
OBJECT_DECLARE_TYPE(AwRsbDevice, AwRsbDeviceClass, AW_RSB_DEVICE)

#define TYPE_AXP806 "axp806-pmu"
#define TYPE_AXP809 "axp809-pmu"
#define TYPE_AC100 "ac100"

#define AW_RSB_REGS (0x40 / sizeof(uint32_t))

struct AwRsbState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;
    BusState *bus;
    qemu_irq irq;
    uint32_t regs[AW_RSB_REGS];
};

struct AwRsbDevice {
    DeviceState parent_obj;

    /* what SRTA gave it; 0 before that */
    uint8_t run_time_address;
};

struct AwRsbDeviceClass {
    DeviceClass parent_class;

    /* fixed in the chip, 12 bits */
    uint16_t hardware_address;
    /* width of a register in bytes */
    unsigned width;
    uint16_t (*read)(AwRsbDevice *dev, uint8_t reg);
    void (*write)(AwRsbDevice *dev, uint8_t reg, uint16_t value);
};

extern const VMStateDescription vmstate_aw_rsb_device;

/* The System on Chip */

#define TYPE_AW_A80 "allwinner-a80"
OBJECT_DECLARE_SIMPLE_TYPE(AwA80State, AW_A80)

#define AW_A80_SDRAM_BASE 0x20000000

struct AwA80State {
    DeviceState parent_obj;

    ARMCPU *cpus[AW_A80_CPUS];
    GICState gic;
    AwA10PITState timer;
    AwWdtState wdt;
    AwWdtState r_wdt;
    AwA80CcuState ccu;
    AwA80CpuCfgState cpucfg;
    AwA80PioState pio;
    AwA80PioState r_pio;
    AwA80RegsState syscon;
    AwA80RegsState mmc_config;
    AwA80RegsState dramc;
    AwA80SidState sid;
    AwSdHostState mmc0;
    AwSdHostState mmc2;
    AwA80GmacState gmac;
    AwRsbState rsb;
    MemoryRegion brom;
    MemoryRegion sram_a1;
    MemoryRegion sram_b;
};

/**
 * allwinner_a80_load_spl:
 * @blk: SD card to boot from
 * @errp: says what is wrong with the card
 *
 * Does what the boot ROM does at power-on: checks the boot image that starts
 * 8 KiB into the card and has it in SRAM A1 at every reset.
 *
 * Returns: false if the card has no boot image. The ROM of a real board then
 * waits for a host on USB ("FEL mode"), which is not modelled.
 */
bool allwinner_a80_load_spl(BlockBackend *blk, Error **errp);

#endif
