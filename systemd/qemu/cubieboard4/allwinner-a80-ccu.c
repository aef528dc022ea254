/*
 * Allwinner A80 Clock Control Unit
 *
 * No clock is modelled: the registers remember what is written, PLLs lock at
 * once. The one reset that is modelled is that of the GMAC, because Linux's
 * driver relies on its effect on the MAC address registers.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/irq.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "allwinner-a80.h"
#include "trace.h"

/* The PLLs' control registers come first, one word each. */
#define PLL_CONTROLS_END 0x30

/* A PLL clears it when it has taken over new factors. */
#define PLL_UPDATE BIT(30)

REG32(PLL_STATUS, 0x9c)
REG32(DRAM_CLK, 0x484)
    FIELD(DRAM_CLK, UPDATE, 16, 1)
REG32(BUS_RESET1, 0x5a4)
    FIELD(BUS_RESET1, GMAC, 17, 1)

static void aw_a80_ccu_update_resets(AwA80CcuState *s)
{
    qemu_set_irq(s->gmac_reset,
                 !FIELD_EX32(s->regs[R_BUS_RESET1], BUS_RESET1, GMAC));
}

static uint64_t aw_a80_ccu_read(void *opaque, hwaddr offset, unsigned size)
{
    AwA80CcuState *s = opaque;
    uint32_t value = s->regs[offset / sizeof(uint32_t)];

    if (offset == A_PLL_STATUS) {
        /* All of them are locked. */
        value = UINT32_MAX;
    }
    trace_aw_a80_ccu_read(offset, value);
    return value;
}

static void aw_a80_ccu_write(void *opaque, hwaddr offset, uint64_t value,
                             unsigned size)
{
    AwA80CcuState *s = opaque;
    uint32_t *reg = &s->regs[offset / sizeof(uint32_t)];

    trace_aw_a80_ccu_write(offset, value);
    switch (offset) {
    case 0 ... PLL_CONTROLS_END - 1:
        *reg = value & ~PLL_UPDATE;
        break;
    case A_PLL_STATUS:
        qemu_log_mask(LOG_GUEST_ERROR, "%s: write to read-only 0x%03"
                      HWADDR_PRIx "\n", __func__, offset);
        break;
    case A_DRAM_CLK:
        *reg = value & ~R_DRAM_CLK_UPDATE_MASK;
        break;
    case A_BUS_RESET1:
        *reg = value;
        aw_a80_ccu_update_resets(s);
        break;
    default:
        *reg = value;
        break;
    }
}

static const MemoryRegionOps aw_a80_ccu_ops = {
    .read = aw_a80_ccu_read,
    .write = aw_a80_ccu_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

static void aw_a80_ccu_reset_enter(Object *obj, ResetType type)
{
    AwA80CcuState *s = AW_A80_CCU(obj);

    memset(s->regs, 0, sizeof(s->regs));
}

static void aw_a80_ccu_reset_hold(Object *obj, ResetType type)
{
    aw_a80_ccu_update_resets(AW_A80_CCU(obj));
}

static const VMStateDescription vmstate_aw_a80_ccu = {
    .name = TYPE_AW_A80_CCU,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, AwA80CcuState,
                             AW_A80_CCU_SIZE / sizeof(uint32_t)),
        VMSTATE_END_OF_LIST()
    }
};

static void aw_a80_ccu_init(Object *obj)
{
    AwA80CcuState *s = AW_A80_CCU(obj);

    memory_region_init_io(&s->iomem, obj, &aw_a80_ccu_ops, s, TYPE_AW_A80_CCU,
                          AW_A80_CCU_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
    qdev_init_gpio_out_named(DEVICE(obj), &s->gmac_reset, "gmac-reset", 1);
}

static void aw_a80_ccu_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Allwinner A80 Clock Control Unit";
    dc->vmsd = &vmstate_aw_a80_ccu;
    rc->phases.enter = aw_a80_ccu_reset_enter;
    rc->phases.hold = aw_a80_ccu_reset_hold;
}

static const TypeInfo aw_a80_ccu_types[] = {
    {
        .name = TYPE_AW_A80_CCU,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(AwA80CcuState),
        .instance_init = aw_a80_ccu_init,
        .class_init = aw_a80_ccu_class_init,
    },
};

DEFINE_TYPES(aw_a80_ccu_types)
