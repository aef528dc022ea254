/*
 * Allwinner A80 register blocks that only remember what software writes
 *
 * Some registers in them are fixed: boot loaders wait for a status there.
 *
 * Copyright (C) 2026 The fauxboot authors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "migration/vmstate.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "allwinner-a80.h"
#include "trace.h"

/* A register that always reads the same. */
typedef struct FixedReg {
    hwaddr offset;
    uint32_t value;
} FixedReg;

typedef struct RegsInfo {
    const char *desc;
    uint64_t size;
    /* ends with a value of 0 */
    const FixedReg *fixed;
} RegsInfo;

struct AwA80RegsClass {
    SysBusDeviceClass parent_class;

    const RegsInfo *info;
};

static const FixedReg nothing_fixed[] = { { } };

/*
 * The DRAM's common registers are at 0, its two controllers at 0x1000 and
 * 0x2000: each says in bit 0 of STAT that it is in its normal state.
 */
static const FixedReg dramc_fixed[] = {
    { 0x1004, 1 },
    { 0x2004, 1 },
    { }
};

static const RegsInfo syscon_info = {
    "Allwinner A80 system configuration", 0x100, nothing_fixed
};

static const RegsInfo mmc_config_info = {
    "Allwinner A80 clocks and resets of the SD hosts", 0x10, nothing_fixed
};

static const RegsInfo dramc_info = {
    "Allwinner A80 DRAM controllers", 0x5000, dramc_fixed
};

static const FixedReg *fixed_reg(AwA80RegsState *s, hwaddr offset)
{
    const FixedReg *reg = AW_A80_REGS_GET_CLASS(s)->info->fixed;

    while (reg->value && reg->offset != offset) {
        reg++;
    }
    return reg->value ? reg : NULL;
}

static uint64_t aw_a80_regs_read(void *opaque, hwaddr offset, unsigned size)
{
    AwA80RegsState *s = opaque;
    const FixedReg *fixed = fixed_reg(s, offset);
    uint32_t value = fixed ? fixed->value : s->regs[offset / sizeof(uint32_t)];

    trace_aw_a80_regs_read(object_get_typename(OBJECT(s)), offset, value);
    return value;
}

static void aw_a80_regs_write(void *opaque, hwaddr offset, uint64_t value,
                              unsigned size)
{
    AwA80RegsState *s = opaque;

    trace_aw_a80_regs_write(object_get_typename(OBJECT(s)), offset, value);
    qemu_log_mask(LOG_UNIMP, "%s: 0x%04" HWADDR_PRIx " = 0x%08" PRIx64
                  " has no effect\n", object_get_typename(OBJECT(s)), offset,
                  value);
    s->regs[offset / sizeof(uint32_t)] = value;
}

static const MemoryRegionOps aw_a80_regs_ops = {
    .read = aw_a80_regs_read,
    .write = aw_a80_regs_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

static void aw_a80_regs_reset_enter(Object *obj, ResetType type)
{
    AwA80RegsState *s = AW_A80_REGS(obj);

    memset(s->regs, 0, s->count * sizeof(uint32_t));
}

static const VMStateDescription vmstate_aw_a80_regs = {
    .name = TYPE_AW_A80_REGS,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(count, AwA80RegsState,
                             "the blocks differ in size"),
        VMSTATE_VARRAY_UINT32(regs, AwA80RegsState, count, 0,
                              vmstate_info_uint32, uint32_t),
        VMSTATE_END_OF_LIST()
    }
};

static void aw_a80_regs_init(Object *obj)
{
    AwA80RegsState *s = AW_A80_REGS(obj);
    const RegsInfo *info = AW_A80_REGS_GET_CLASS(s)->info;

    s->count = info->size / sizeof(uint32_t);
    s->regs = g_new0(uint32_t, s->count);
    memory_region_init_io(&s->iomem, obj, &aw_a80_regs_ops, s,
                          object_get_typename(obj), info->size);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static void aw_a80_regs_finalize(Object *obj)
{
    g_free(AW_A80_REGS(obj)->regs);
}

static void aw_a80_regs_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->vmsd = &vmstate_aw_a80_regs;
    rc->phases.enter = aw_a80_regs_reset_enter;
}

static void aw_a80_regs_block_class_init(ObjectClass *klass, void *data)
{
    const RegsInfo *info = data;

    DEVICE_CLASS(klass)->desc = info->desc;
    AW_A80_REGS_CLASS(klass)->info = info;
}

static const TypeInfo aw_a80_regs_types[] = {
    {
        .name = TYPE_AW_A80_REGS,
        .parent = TYPE_SYS_BUS_DEVICE,
        .abstract = true,
        .instance_size = sizeof(AwA80RegsState),
        .instance_init = aw_a80_regs_init,
        .instance_finalize = aw_a80_regs_finalize,
        .class_size = sizeof(AwA80RegsClass),
        .class_init = aw_a80_regs_class_init,
    },
    {
        .name = TYPE_AW_A80_SYSCON,
        .parent = TYPE_AW_A80_REGS,
        .class_init = aw_a80_regs_block_class_init,
        .class_data = (void *)&syscon_info,
    },
    {
        .name = TYPE_AW_A80_MMC_CONFIG,
        .parent = TYPE_AW_A80_REGS,
        .class_init = aw_a80_regs_block_class_init,
        .class_data = (void *)&mmc_config_info,
    },
    {
        .name = TYPE_AW_A80_DRAMC,
        .parent = TYPE_AW_A80_REGS,
        .class_init = aw_a80_regs_block_class_init,
        .class_data = (void *)&dramc_info,
    },
};

DEFINE_TYPES(aw_a80_regs_types)
