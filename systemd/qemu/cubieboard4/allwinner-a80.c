/*
 * Allwinner A80 (sun9i) System on Chip
 *
 * Four Cortex-A7 and four Cortex-A15. Only the first A7 runs after a reset;
 * software starts the others through PRCM and CPUCFG, and all of them start
 * in the boot ROM.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "chardev/char.h"
#include "exec/address-spaces.h"
#include "hw/arm/bsa.h"
#include "hw/char/serial-mm.h"
#include "hw/loader.h"
#include "hw/misc/unimp.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "system/block-backend.h"
#include "system/system.h"
#include "target/arm/cpu.h"
#include "target/arm/cpregs.h"
#include "target/arm/gtimer.h"
#include "allwinner-a80.h"

/* Memory map */
enum {
    BROM_BASE = 0x00000000,
    SRAM_A1_BASE = 0x00010000,
    SRAM_B_BASE = 0x00020000,
    SYSCON_BASE = 0x00800000,
    GMAC_BASE = 0x00830000,
    CPUCFG_BASE = 0x01700000,
    SID_BASE = 0x01c0e000,
    MMC0_BASE = 0x01c0f000,
    MMC2_BASE = 0x01c11000,
    MMC_CONFIG_BASE = 0x01c13000,
    GIC_BASE = 0x01c40000,
    GIC_DIST_BASE = 0x01c41000,
    GIC_CPU_BASE = 0x01c42000,
    GIC_HYP_BASE = 0x01c44000,
    GIC_VCPU_BASE = 0x01c46000,
    DRAMC_BASE = 0x01c62000,
    CCU_BASE = 0x06000000,
    PIO_BASE = 0x06000800,
    TIMER_BASE = 0x06000c00,
    WDT_BASE = 0x06000ca0,
    UART_BASE = 0x07000000,
    R_WDT_BASE = 0x08001000,
    PRCM_BASE = 0x08001400,
    R_PIO_BASE = 0x08002c00,
    RSB_BASE = 0x08003400,
};

#define BROM_SIZE (32 * KiB)
#define SRAM_A1_SIZE (40 * KiB)
#define SRAM_B_SIZE (256 * KiB)

#define UART_COUNT 6
#define UART_STRIDE 0x400
#define UART_REG_SHIFT 2
#define UART_BAUD_BASE 115200

/* Shared peripheral interrupts */
#define GIC_SPIS 160
enum {
    UART0_SPI = 0,
    TIMER0_SPI = 18,
    RSB_SPI = 39,
    MMC0_SPI = 60,
    MMC2_SPI = 62,
    GMAC_SPI = 82,
};

#define CNTFRQ_HZ 24000000
#define LOSC_HZ 32768
#define OSC24M_HZ 24000000

/*
 * What has registers but no device here: reads are zero and writes have no
 * effect, where no device lies above.
 */
static const struct {
    const char *name;
    hwaddr base;
    hwaddr size;
} unmodelled[] = {
    { "a80-usb-and-gmac", 0x00800000, 4 * MiB },
    { "a80-cpu-bus", 0x01400000, 4 * MiB },
    { "a80-ahb0", 0x01c00000, 2 * MiB },
    { "a80-display", 0x03000000, 16 * MiB },
    { "a80-apb0", 0x06000000, 64 * KiB },
    { "a80-apb1", 0x07000000, 64 * KiB },
    { "a80-cpus", 0x08000000, 64 * KiB },
};

/*
 * The boot ROM, as far as it can be seen: the first CPU continues in SRAM A1,
 * where the ROM has loaded the SPL to, all others at the address that PRCM
 * holds. The first CPU does that, too, when software has asked for it: so it
 * comes back after it was switched off.
 */
static const uint32_t brom[] = {
    0xea000006, /*       b      reset */
    0xeafffffe, /*       b      .                  other exceptions */
    0xeafffffe, /*       b      . */
    0xeafffffe, /*       b      . */
    0xeafffffe, /*       b      . */
    0xeafffffe, /*       b      . */
    0xeafffffe, /*       b      . */
    0xeafffffe, /*       b      . */
    0xee100fb0, /* reset: mrc   p15, 0, r0, c0, c0, 5      MPIDR */
    0xe7eb0050, /*       ubfx   r0, r0, #0, #12 */
    0xe3500000, /*       cmp    r0, #0 */
    0x1a000009, /*       bne    warm */
    0xe59f102c, /*       ldr    r1, =0x00021000            in SRAM B */
    0xe5912000, /*       ldr    r2, [r1] */
    0xe59f3028, /*       ldr    r3, =0xfa50392f */
    0xe1520003, /*       cmp    r2, r3 */
    0x1a000003, /*       bne    cold */
    0xe5912004, /*       ldr    r2, [r1, #4] */
    0xe59f301c, /*       ldr    r3, =0x790dca3a */
    0xe1520003, /*       cmp    r2, r3 */
    0x0a000000, /*       beq    warm */
    0xe59ff014, /* cold: ldr    pc, =0x00010000            SRAM A1 */
    0xe59f1014, /* warm: ldr    r1, =0x08001564            in PRCM */
    0xe5910000, /*       ldr    r0, [r1] */
    0xe12fff10, /*       bx     r0 */
    0x00021000,
    0xfa50392f,
    0x790dca3a,
    0x00010000,
    0x08001564,
};

/* Header of the boot image ("eGON"): little-endian words after a branch. */
#define SPL_CARD_OFFSET (8 * KiB)
#define EGON_MAGIC_OFFSET 4
#define EGON_CHECKSUM_OFFSET 12
#define EGON_LENGTH_OFFSET 16
#define EGON_HEADER_SIZE 32
/* Stands in for the checksum while it is computed. */
#define EGON_CHECKSUM_SEED 0x5f0a6c39

static const char egon_magic[] = "eGON.BT0";

static uint32_t egon_checksum(const uint8_t *image, uint32_t length)
{
    uint32_t sum = EGON_CHECKSUM_SEED - ldl_le_p(image + EGON_CHECKSUM_OFFSET);

    for (uint32_t i = 0; i < length; i += sizeof(uint32_t)) {
        sum += ldl_le_p(image + i);
    }
    return sum;
}

bool allwinner_a80_load_spl(BlockBackend *blk, Error **errp)
{
    g_autofree uint8_t *image = g_new0(uint8_t, SRAM_A1_SIZE);
    uint32_t length;

    if (blk_pread(blk, SPL_CARD_OFFSET, SRAM_A1_SIZE, image, 0) < 0) {
        error_setg(errp, "the SD card cannot be read at %" PRId64 " KiB",
                   SPL_CARD_OFFSET / KiB);
        return false;
    }
    length = ldl_le_p(image + EGON_LENGTH_OFFSET);
    if (memcmp(image + EGON_MAGIC_OFFSET, egon_magic, strlen(egon_magic))) {
        error_setg(errp, "the SD card has no boot image at %" PRId64 " KiB",
                   SPL_CARD_OFFSET / KiB);
        return false;
    }
    if (length < EGON_HEADER_SIZE || length > SRAM_A1_SIZE ||
        length % sizeof(uint32_t)) {
        error_setg(errp, "the SD card's boot image claims to have %u bytes",
                   length);
        return false;
    }
    if (egon_checksum(image, length) !=
        ldl_le_p(image + EGON_CHECKSUM_OFFSET)) {
        error_setg(errp, "the SD card's boot image has a wrong checksum");
        return false;
    }
    rom_add_blob_fixed("allwinner-a80.spl", image, length, SRAM_A1_BASE);
    return true;
}

/*
 * L2 control registers of the Cortex-A15, which QEMU's lacks. Software that
 * switches a cluster on sets bits there; nothing that is modelled depends on
 * them. (Cortex-A15 MPCore Technical Reference Manual, chapter 4.2.)
 */
static const ARMCPRegInfo cortex_a15_l2_reginfo[] = {
    { .name = "L2ACTLR", .cp = 15, .opc1 = 1, .crn = 15, .crm = 0, .opc2 = 0,
      .access = PL1_RW, .type = ARM_CP_CONST, .resetvalue = 0 },
    { .name = "L2PFR", .cp = 15, .opc1 = 1, .crn = 15, .crm = 0, .opc2 = 3,
      .access = PL1_RW, .type = ARM_CP_CONST, .resetvalue = 0 },
    { .name = "ACTLR2", .cp = 15, .opc1 = 1, .crn = 15, .crm = 0, .opc2 = 4,
      .access = PL1_RW, .type = ARM_CP_CONST, .resetvalue = 0 },
};

static void aw_a80_init(Object *obj)
{
    AwA80State *s = AW_A80(obj);

    for (unsigned i = 0; i < AW_A80_CPUS; i++) {
        const char *type = i < AW_A80_CLUSTER_CPUS ?
                           ARM_CPU_TYPE_NAME("cortex-a7") :
                           ARM_CPU_TYPE_NAME("cortex-a15");

        s->cpus[i] = ARM_CPU(object_new(type));
        object_property_add_child(obj, "cpu[*]", OBJECT(s->cpus[i]));
        object_unref(OBJECT(s->cpus[i]));
    }
    object_initialize_child(obj, "gic", &s->gic, TYPE_ARM_GIC);
    object_initialize_child(obj, "timer", &s->timer, TYPE_AW_A10_PIT);
    object_initialize_child(obj, "wdt", &s->wdt, TYPE_AW_WDT_SUN6I);
    object_initialize_child(obj, "r-wdt", &s->r_wdt, TYPE_AW_WDT_SUN6I);
    object_initialize_child(obj, "ccu", &s->ccu, TYPE_AW_A80_CCU);
    object_initialize_child(obj, "cpucfg", &s->cpucfg, TYPE_AW_A80_CPUCFG);
    object_initialize_child(obj, "pio", &s->pio, TYPE_AW_A80_PIO);
    object_initialize_child(obj, "r-pio", &s->r_pio, TYPE_AW_A80_PIO);
    object_initialize_child(obj, "syscon", &s->syscon, TYPE_AW_A80_SYSCON);
    object_initialize_child(obj, "mmc-config", &s->mmc_config,
                            TYPE_AW_A80_MMC_CONFIG);
    object_initialize_child(obj, "dramc", &s->dramc, TYPE_AW_A80_DRAMC);
    object_initialize_child(obj, "sid", &s->sid, TYPE_AW_A80_SID);
    object_property_add_alias(obj, "identifier", OBJECT(&s->sid),
                              "identifier");
    object_initialize_child(obj, "mmc0", &s->mmc0, TYPE_AW_SDHOST_SUN5I);
    object_property_add_alias(obj, "sd-bus", OBJECT(&s->mmc0), "sd-bus");
    object_initialize_child(obj, "mmc2", &s->mmc2, TYPE_AW_SDHOST_SUN5I);
    object_initialize_child(obj, "gmac", &s->gmac, TYPE_AW_A80_GMAC);
    object_initialize_child(obj, "rsb", &s->rsb, TYPE_AW_RSB);
}

static qemu_irq aw_a80_spi(AwA80State *s, unsigned spi)
{
    return qdev_get_gpio_in(DEVICE(&s->gic), spi);
}

static qemu_irq aw_a80_ppi(AwA80State *s, unsigned cpu, unsigned intid)
{
    return qdev_get_gpio_in(DEVICE(&s->gic),
                            GIC_SPIS + cpu * GIC_INTERNAL + intid);
}

static bool aw_a80_realize_cpu(AwA80State *s, unsigned i, Error **errp)
{
    DeviceState *cpu = DEVICE(s->cpus[i]);
    unsigned cluster = i / AW_A80_CLUSTER_CPUS;
    unsigned core = i % AW_A80_CLUSTER_CPUS;

    qdev_prop_set_uint64(cpu, "mp-affinity", cluster << ARM_AFF1_SHIFT | core);
    qdev_prop_set_bit(cpu, "start-powered-off", i > 0);
    qdev_prop_set_uint64(cpu, "cntfrq", CNTFRQ_HZ);
    qdev_prop_set_uint64(cpu, "reset-cbar", GIC_BASE);
    if (cluster == 1) {
        define_arm_cp_regs(s->cpus[i], cortex_a15_l2_reginfo);
    }
    return qdev_realize(cpu, NULL, errp);
}

static bool aw_a80_realize_gic(AwA80State *s, Error **errp)
{
    DeviceState *gic = DEVICE(&s->gic);
    SysBusDevice *sbd = SYS_BUS_DEVICE(&s->gic);

    qdev_prop_set_uint32(gic, "num-irq", GIC_SPIS + GIC_INTERNAL);
    qdev_prop_set_uint32(gic, "num-cpu", AW_A80_CPUS);
    qdev_prop_set_uint32(gic, "revision", 2);
    qdev_prop_set_bit(gic, "has-security-extensions", true);
    qdev_prop_set_bit(gic, "has-virtualization-extensions", true);
    if (!sysbus_realize(sbd, errp)) {
        return false;
    }
    sysbus_mmio_map(sbd, 0, GIC_DIST_BASE);
    sysbus_mmio_map(sbd, 1, GIC_CPU_BASE);
    sysbus_mmio_map(sbd, 2, GIC_HYP_BASE);
    sysbus_mmio_map(sbd, 3, GIC_VCPU_BASE);

    for (unsigned i = 0; i < AW_A80_CPUS; i++) {
        DeviceState *cpu = DEVICE(s->cpus[i]);
        static const struct {
            int timer;
            int intid;
        } timers[] = {
            { GTIMER_PHYS, ARCH_TIMER_NS_EL1_IRQ },
            { GTIMER_VIRT, ARCH_TIMER_VIRT_IRQ },
            { GTIMER_HYP, ARCH_TIMER_NS_EL2_IRQ },
            { GTIMER_SEC, ARCH_TIMER_S_EL1_IRQ },
        };

        for (unsigned t = 0; t < ARRAY_SIZE(timers); t++) {
            qdev_connect_gpio_out(cpu, timers[t].timer,
                                  aw_a80_ppi(s, i, timers[t].intid));
        }
        sysbus_connect_irq(sbd, i, qdev_get_gpio_in(cpu, ARM_CPU_IRQ));
        sysbus_connect_irq(sbd, i + AW_A80_CPUS,
                           qdev_get_gpio_in(cpu, ARM_CPU_FIQ));
        sysbus_connect_irq(sbd, i + 2 * AW_A80_CPUS,
                           qdev_get_gpio_in(cpu, ARM_CPU_VIRQ));
        sysbus_connect_irq(sbd, i + 3 * AW_A80_CPUS,
                           qdev_get_gpio_in(cpu, ARM_CPU_VFIQ));
        sysbus_connect_irq(sbd, i + 4 * AW_A80_CPUS,
                           aw_a80_ppi(s, i, ARCH_GIC_MAINT_IRQ));
    }
    return true;
}

static bool aw_a80_realize_memory(AwA80State *s, Error **errp)
{
    MemoryRegion *system = get_system_memory();
    g_autofree uint32_t *code = g_memdup2(brom, sizeof(brom));

    if (!memory_region_init_rom(&s->brom, OBJECT(s), "a80.brom", BROM_SIZE,
                                errp) ||
        !memory_region_init_ram(&s->sram_a1, OBJECT(s), "a80.sram-a1",
                                SRAM_A1_SIZE, errp) ||
        !memory_region_init_ram(&s->sram_b, OBJECT(s), "a80.sram-b",
                                SRAM_B_SIZE, errp)) {
        return false;
    }
    memory_region_add_subregion(system, BROM_BASE, &s->brom);
    memory_region_add_subregion(system, SRAM_A1_BASE, &s->sram_a1);
    memory_region_add_subregion(system, SRAM_B_BASE, &s->sram_b);

    for (unsigned i = 0; i < ARRAY_SIZE(brom); i++) {
        code[i] = cpu_to_le32(brom[i]);
    }
    rom_add_blob_fixed("allwinner-a80.brom", code, sizeof(brom), BROM_BASE);

    for (unsigned i = 0; i < ARRAY_SIZE(unmodelled); i++) {
        create_unimplemented_device(unmodelled[i].name, unmodelled[i].base,
                                    unmodelled[i].size);
    }
    return true;
}

static bool aw_a80_realize_device(SysBusDevice *dev, hwaddr base, Error **errp)
{
    if (!sysbus_realize(dev, errp)) {
        return false;
    }
    sysbus_mmio_map(dev, 0, base);
    return true;
}

static void aw_a80_realize(DeviceState *dev, Error **errp)
{
    AwA80State *s = AW_A80(dev);

    for (unsigned i = 0; i < AW_A80_CPUS; i++) {
        if (!aw_a80_realize_cpu(s, i, errp)) {
            return;
        }
    }
    if (!aw_a80_realize_gic(s, errp) || !aw_a80_realize_memory(s, errp)) {
        return;
    }

    qdev_prop_set_uint32(DEVICE(&s->timer), "clk0-freq", LOSC_HZ);
    qdev_prop_set_uint32(DEVICE(&s->timer), "clk1-freq", OSC24M_HZ);
    AwSdHostState *sd_hosts[] = { &s->mmc0, &s->mmc2 };
    for (unsigned i = 0; i < ARRAY_SIZE(sd_hosts); i++) {
        object_property_set_link(OBJECT(sd_hosts[i]), "dma-memory",
                                 OBJECT(get_system_memory()), &error_abort);
    }

    struct {
        SysBusDevice *dev;
        hwaddr base;
    } devices[] = {
        { SYS_BUS_DEVICE(&s->timer), TIMER_BASE },
        { SYS_BUS_DEVICE(&s->r_wdt), R_WDT_BASE },
        { SYS_BUS_DEVICE(&s->ccu), CCU_BASE },
        { SYS_BUS_DEVICE(&s->cpucfg), CPUCFG_BASE },
        { SYS_BUS_DEVICE(&s->pio), PIO_BASE },
        { SYS_BUS_DEVICE(&s->r_pio), R_PIO_BASE },
        { SYS_BUS_DEVICE(&s->syscon), SYSCON_BASE },
        { SYS_BUS_DEVICE(&s->mmc_config), MMC_CONFIG_BASE },
        { SYS_BUS_DEVICE(&s->dramc), DRAMC_BASE },
        { SYS_BUS_DEVICE(&s->sid), SID_BASE },
        { SYS_BUS_DEVICE(&s->mmc0), MMC0_BASE },
        { SYS_BUS_DEVICE(&s->mmc2), MMC2_BASE },
        { SYS_BUS_DEVICE(&s->gmac), GMAC_BASE },
        { SYS_BUS_DEVICE(&s->rsb), RSB_BASE },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
        if (!aw_a80_realize_device(devices[i].dev, devices[i].base, errp)) {
            return;
        }
    }
    sysbus_mmio_map(SYS_BUS_DEVICE(&s->cpucfg), 1, PRCM_BASE);

    /* It lies within the registers of the timer. */
    if (!sysbus_realize(SYS_BUS_DEVICE(&s->wdt), errp)) {
        return;
    }
    sysbus_mmio_map_overlap(SYS_BUS_DEVICE(&s->wdt), 0, WDT_BASE, 1);

    for (unsigned i = 0; i < AW_A10_PIT_TIMER_NR; i++) {
        sysbus_connect_irq(SYS_BUS_DEVICE(&s->timer), i,
                           aw_a80_spi(s, TIMER0_SPI + i));
    }
    sysbus_connect_irq(SYS_BUS_DEVICE(&s->mmc0), 0, aw_a80_spi(s, MMC0_SPI));
    sysbus_connect_irq(SYS_BUS_DEVICE(&s->mmc2), 0, aw_a80_spi(s, MMC2_SPI));
    sysbus_connect_irq(SYS_BUS_DEVICE(&s->gmac), 0, aw_a80_spi(s, GMAC_SPI));
    sysbus_connect_irq(SYS_BUS_DEVICE(&s->rsb), 0, aw_a80_spi(s, RSB_SPI));
    qdev_connect_gpio_out_named(DEVICE(&s->ccu), "gmac-reset", 0,
                                qdev_get_gpio_in_named(DEVICE(&s->gmac),
                                                       "bus-reset", 0));

    for (unsigned i = 0; i < UART_COUNT; i++) {
        serial_mm_init(get_system_memory(), UART_BASE + i * UART_STRIDE,
                       UART_REG_SHIFT, aw_a80_spi(s, UART0_SPI + i),
                       UART_BAUD_BASE, serial_hd(i), DEVICE_LITTLE_ENDIAN);
    }
}

static void aw_a80_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Allwinner A80";
    dc->realize = aw_a80_realize;
    /* Reason: uses serial_hd() in its realize function */
    dc->user_creatable = false;
}

static const TypeInfo aw_a80_types[] = {
    {
        .name = TYPE_AW_A80,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(AwA80State),
        .instance_init = aw_a80_init,
        .class_init = aw_a80_class_init,
    },
};

DEFINE_TYPES(aw_a80_types)
